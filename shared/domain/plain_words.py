"""List the ordinary words of business questions: a question with any other word may name somebody and is not learned.

Of words that are names as well (price, will, long) a capital inside an English sentence tells that a name is meant.
"""

_ENGLISH = """
a about above account accounts across activity activities add after again against ago all also always am among amount
amounts an analyse analysis and annual another answer any anybody anything approve are area around as ask at attrition
available average away bad balance band bands be because been before behind being below benefit benefits best better
between big biggest biggest board bonus booked budget budgets business but buy by calendar call calls can cannot case
cases change changed changes chart chance chances check checklist churn close closed closes closing coach colleague
colleagues come commission commit company companies compare compared comparison compensation competition competitor
competitors complete contact contacts contract contracts cost costs could count coverage create currency current
currently customer customers cycle daily data date dates day days deadline deal deals decide decision decline declined
delay delayed department departments development did difference discount discounts do does doing done down draft due
during each early earn email emails employee employees end ended ending enough euro euros every everybody everything
example expect expected expense expenses expired explain fast fewer figures fill find first fiscal fix focus follow for
forecast forecasted forecasts free from full funnel future gap gaps get give go goal goals going good group groups grow
growing grown growth had half handle happened hard has have having headcount help her here high higher highest him hire
hired hires hiring his hold holiday holidays hour hours how if important improve improved in increase increased industry
industries information interview interviews into invoice invoices is issue issues it item items its job jobs join
joined joining just keep key know large larger largest last late later lead leads least leave leaves left less let level
levels like likely list lists long longer look lose losing loss losses lost low lower lowest made main make manage
manager managers many margin margins market markets me mean means measure meet meeting meetings member members message
middle miss missed missing money month monthly months more most move much must my need needed needs negotiate
negotiation never new newest next no not notice now number numbers objection objections of off offer offers office
often old oldest on once onboarding one only open opened opening openings opportunities opportunity options or order
orders other our out over overdue overview own owner owners paid parental part past pay payment payments payroll
pending people per percent percentage performance period person phase pipeline pitch plan planned planning plans
please point points policies policy position positions possible potential prepare presentation price prices pricing
priorities priority process product products profit progress project projects promotion proposal proposals public
purchase quarter quarterly quarters question questions quota quotas quote quotes rank ranking rate rates ratio reach
reached ready reason reasons recent recently recruiting reduce region regional regions related remain remaining remind
remote renewal renewals renew report reports request requests response responsible result results retention revenue
review reviews right risk risks role roles rules salaries salary sale sales same saved say schedule scheduled score
second see segment segments sell selling send sent service services set shall share shares she short should show shows
sick side similar since size skills slow small smaller smallest so some somebody someone something soon sort source
sources spend spent split staff stage stages stalled start started starts status stay step steps still stop strategy
strong stronger stuck such suggest suggestions sum summarise summarize summary support sure table take taken target
targets task tasks team teams tell than that the their them then there these they thing things think this those
through tickets time times tip tips to today together tomorrow too took tool tools top total totals track trained
training trend trends trip try turnover two type types under until up update updated upcoming us use used using usually
vacation vacations value values version versus very want was way we week weekly weeks weigh weighted well went were
what when where which while who whole whom whose why will win wins winning with within without won work worked working
works worst would write wrong year yearly years yes yesterday yet you your
cheap cheaper demo demos expensive raise says
"""
_GERMAN = """
aber abgeschlossen abgeschlossene abgeschlossenen abschluss abschlüsse aktuell aktuelle aktuellen aktueller alle allem
allen aller alles als alt alte alten am an andere anderen anderer anfang angebot angebote angeboten anrufe
ansprechpartner anteil antrag anträge anzahl arbeit arbeiten arbeitet arbeitszeit auch auf aufgabe aufgaben auftrag
aufträge aus
auswertung bald bei beim bekomme bereich bereiche bereits besser beste besten betrag beträge bewerber bewerbung
bewerbungen bis bitte bleibt branche branchen brauche brauchen braucht budget chance chancen da dabei damit danach dann
das dass davon dazu dem den denn der des deutlich die dies diese diesem diesen dieser dieses doch dort durch
durchschnitt durchschnittlich ein eine einem einen einer eines einwand einwände ende entwicklung er ergebnis ergebnisse
es etwas euro fehlen fehlt fertig firma firmen frage fragen frei freie für gab ganze gar gefährdet gegen gegenüber
gehalt gehälter gehen geht gehört genau gerade gesamt geschäft geschäfte geschäftsjahr gespräch gespräche gewinn
gewinnen
gewonnen gewonnene gewonnenen gibt gleich groß große großen größte größten grund gründe gruppe gruppen gut gute guten
haben hat hatte hatten heute hilf hilfe hilft hoch hohe höchste höchsten hätte ich ihr ihre im immer in ist ja jahr
jahre jahren jede jeden jeder jedes jetzt kann kein keine keinen können könnte konto konten konkurrenz kosten kunde
kunden kundin kündigung kündigungen land lange länger läuft laufen laufende laufenden legen letzte letztem letzten
letzter letztes liegen liegt liste mache machen macht mal man marge margen markt mehr mein meine meinem meinen meiner
meisten menschen mich mir mit mitarbeiter mitarbeitern mitarbeiterin mitarbeiterinnen mitbewerber monat monate monaten
morgen muss müssen nach nächste nächstem nächsten nächster nächstes neu neue neuen neuer nicht nichts noch nur oder
offen offene offenen ohne partner person personal personen phase phasen pipeline plan planung position preis preise
pro produkt produkte prognose prozent prüfen quartal quartale quartals quartalen quote region regionen rabatt rabatte
risiko risiken rolle schlecht schließen schnell schon schreibe schreiben sehe sehen sehr sein seine seit sich sie sind
so soll sollen sollte sollten sonst stand stelle stellen status steht stehen stufe stufen tabelle tag tage tagen team
teams termin termine tipps tun über übersicht um umsatz umsätze umsätzen und uns unser unsere unserem unseren unserer
unter unternehmen urlaub urlaubstage verändert vergangenen vergleich vergleiche verhandlung verhandlungen verkauf
verkaufen verkäufe verlieren verloren verlorene verlorenen vertrag verträge vertrieb viel viele vom von vor vorbereiten
vorige vorigen vorschlag vorschläge wann war waren warum was weiter welche welchem welchen welcher welches wenig wenige
weniger wenn wer werden wert werte wettbewerb wettbewerber wichtig wichtigste wichtigsten wie wieder will wir wird wo
woche wochen wofür woran worauf wurde wurden würde zahl zahlen zeig zeige zeigen zeit ziel ziele zu zum zur zusammen
zwei zwischen bereite bereiten teuer teurer vorbereite
"""
_SHORT = "i crm erp hr kpi ok roi arr mrr sla b2b faq pdf csv"
_SIGNS = """
der die das ist sind wie was wer wir ich und für mit von im den dem ein eine welche welcher welches wann warum mein
meine
meinem meinen meiner unser unsere unserem unseren diese diesem diesen dieser dieses haben hat habe steht gibt zeig zeige
"""
_CAPITALS = "I CRM ERP HR KPI KPIs OK ROI ARR MRR SLA B2B FAQ PDF CSV EUR USD"

PLAIN_WORDS = frozenset(f"{_ENGLISH} {_GERMAN} {_SHORT}".split())
GERMAN_SIGNS = frozenset(_SIGNS.split())
"""A question with two of these is German, where every noun has a capital."""
CAPITALS = frozenset(_CAPITALS.split())
"""Words that have capitals without being names."""
