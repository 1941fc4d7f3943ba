"""Know the words of the coach's trade: which mean the same, which mean little, and in which language they are."""

from __future__ import annotations

import re

# One line per meaning, English and German; the first word names it.
_SAME = """
pipeline funnel trichter
opportunity opportunities deal deals chance chancen verkaufschance verkaufschancen
account accounts customer customers client clients kunde kunden kundin firma firmen konto
contact contacts ansprechpartner ansprechpartnerin kontakt kontakte
forecast forecasts predict prediction prognose prognosen vorhersage expected
stage stages phase phasen
amount amounts revenue umsatz betrag volumen worth
salary salaries pay paid wage wages earn earns earning compensation gehalt gehälter lohn verdient verdiene
band bands range ranges spanne spannen gehaltsband gehaltsbänder
leave vacation vacations holiday holidays pto urlaub urlaubstage ferien resturlaub
balance remaining left übrig rest
people person persons employee employees colleague colleagues staff mitarbeiter kollege kollegin leute
headcount
department departments abteilung abteilungen
location locations standort standorte
level levels stufe stufen
manager managers boss vorgesetzter vorgesetzte chef chefin
meeting meetings appointment appointments calendar event events termin termine kalender besprechung besprechungen
free available availability frei verfügbar
time zeit
win wins won winning gewonnen gewinnen gewinn gewinne
lose lost loss losses losing verloren verlieren verlust verluste
rate quote ratio
reason reasons why warum weshalb grund gründe
competitor competitors konkurrent konkurrenten wettbewerber
closed closing abgeschlossen abschluss abschlüsse
log record protokolliere protokollieren notiere notieren erfasse erfassen vermerke
note notes notiz notizen
send email mail schicke sende
create add erstelle anlegen
delete remove lösche löschen
update change set ändere setze
book buche
activity activities aktivität aktivitäten
call calls anruf telefonat
review prüfe prüfung analyse analysis
risk risks risky gefahr risiko risiken gefährdet
deep deeply thorough thoroughly tief gründlich
quarter quarters quartal quartale
year years jahr jahre
week weeks woche wochen
day days
today heute
tomorrow morgen
this current dieses diesem diesen diese aktuelles aktuellen laufenden
last previous past letztes letzten letzte vorigen voriges
next coming upcoming nächstes nächsten nächste kommenden
all everyone everybody total overall team whole alle aller gesamt gesamte insgesamt
open offen
region regions gebiet
industry industries branche branchen sector
owner owners verantwortlich
limit
number numbers count anzahl
overdue überfällig
weighted gewichtet
summary summarise summarize sum overview zusammenfassung überblick
"""
_MEANING: dict[str, str] = {word: line.split()[0] for line in _SAME.strip().splitlines() for word in line.split()}


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


WRITING = _set("log send create delete update book")

# A question about one of these is not answered by a tool that does not know it.
TOPICS = WRITING | _set(
    """pipeline opportunity account contact forecast salary band leave headcount meeting free win lose
    reason competitor activity manager people"""
)

# Verbs that say that something is wanted, not what.
GENERIC = _set(
    """show list get find search give tell look see fetch display read query retrieve want need know work works
    zeige zeig liste gib nenne suche finde such sage sag brauche möchte will"""
)

_ENGLISH = _set(
    """a about an and any are as at be been by can could did do does for from had has have how i if in into is it its
    let many me mine more most much my of off on or our please she he should so some than thank thanks that the their
    them then there they to too under up us was we were what when where which who whom whose will with would you
    your compare versus vs over per top largest biggest looking doing going hello hi hey good"""
)
_GERMAN = _set(
    """aber am an auch auf aus bei bin bis bitte da danke das dass dem den der des die doch du ein eine einem einen
    einer eines er es für gibt gut hallo hat habe haben hast ich ihr im ist ja kann kannst können läuft mach mein
    meine meinem meinen meiner meines mich mir mit nach nicht noch nur oder schon sehr sein sich sie sieht sind so
    steht über um und uns unser unsere viel viele vom von vor war was wann welche welcher welches wem wen wer wie
    wieviel wir wird wo zu zum zur zwischen größten höchsten vergleiche moin"""
)
STOP = _ENGLISH | _GERMAN

_PHRASES = (
    (re.compile(r"\b(how many|number of) (people|employees|colleagues)\b"), "headcount people"),
    (re.compile(r"\bwie viele? (mitarbeiter|leute|personen|kollegen)\w*\b"), "headcount people"),
    (re.compile(r"\b(days|time) off\b"), "leave"),
    (re.compile(r"\b(who (is|are|works?)|wer (ist|sind|arbeitet))\b(?! (you|sie)\b)"), "people"),
    (re.compile(r"\b(gewinn|erfolgs|abschluss)quote\b"), "win rate"),
    (re.compile(r"\bverlustgr[uü]nde?\b"), "lost reasons"),
    (re.compile(r"\bgehaltsb[aä]nd\w*\b"), "salary band"),
    (re.compile(r"\brisiko\w*\b"), "risk"),
)
# Letters and digits of any script, joined by - or '.
_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
_ENDINGS = ("en", "er", "es", "em", "e", "n")
# Shorter remainders would make other words of it.
_SHORTEST_STEM = 4


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, without possessive endings."""
    lowered = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return [word.removesuffix("'s").removesuffix("'") for word in _WORD.findall(lowered)]


def meaning(word: str) -> str:
    """Return the name of what a word means: its synonym, else its singular."""
    return next((_MEANING[form] for form in _forms(word) if form in _MEANING), _singular(word))


def meanings(text: str) -> list[str]:
    """Return what the words of a text mean, in order, without those that mean little."""
    lowered = text.lower()
    for pattern, plain in _PHRASES:
        lowered = pattern.sub(plain, lowered)
    return [meaning(word) for word in words(lowered) if word not in STOP and word not in GENERIC]


def is_known(word: str) -> bool:
    """Say whether a word is part of the vocabulary, so that it is nobody's name."""
    lowered = word.lower()
    return lowered in STOP or lowered in GENERIC or any(form in _MEANING for form in _forms(lowered))


def identifier_words(name: str) -> list[str]:
    """Return the words of an identifier such as `pipeline_summary`, `getAccount` or `list-users`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[^0-9A-Za-zÄÖÜäöüß]+", spaced.lower()) if word]


def is_german(text: str) -> bool:
    """Say whether a text is German rather than English, by its small words."""
    found = words(text)
    german = sum(word in _GERMAN for word in found) + sum(any(c in word for c in "äöüß") for word in found)
    return german > sum(word in _ENGLISH for word in found)


def _forms(word: str) -> list[str]:
    """Return a word as it stands, its English singular, and without the endings of German adjectives."""
    stems = [word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending)]
    return [word, _singular(word), *(stem for stem in stems if len(stem) >= _SHORTEST_STEM)]


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > len("ties"):
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith("ss") and len(word) > len("was"):
        return word[:-1]
    return word
