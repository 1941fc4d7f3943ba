"""Keep the sentences that the coach writes around figures, in English and in German."""

from __future__ import annotations

_ENGLISH = {
    "lead": "Here is what I found in {server} with {tool}{about}.",
    "lead_more": "And this is what {server} says with {tool}{about}.",
    "about": " ({values})",
    "empty": "There is nothing to show for that: {server} returned no rows.",
    "largest": "The largest share is {label} with {value}{unit}, {share} % of the {total}{unit} in this table.",
    "each": "{label} has {value}{unit}",
    "next": "A good next step: look into {label} first, since it weighs most.",
    "more": "Only the first {shown} of {rows} rows are shown.",
    "source": "Source: {server}, {tool}{as_of}.",
    "as_of": ", data as of {moment} UTC",
    "failed": "I could not get an answer from {tool}: {reason}",
    "unsure": "So I leave that part open rather than guess.",
    "none_fits": (
        "I have no tool here that could answer that, so I will not guess. Your role may not include it, "
        "or the system is not connected."
    ),
    "offered": "What I can look up for you:",
    "no_tools": (
        "I have no business tools in this conversation, so I cannot look up any figures. "
        "If you expected some, ask your administrator which role you have. "
        "I can still help you to prepare: tell me what you want to achieve, with whom and by when, "
        "and I will suggest next steps."
    ),
    "hello": "Hello! I am the coach. Ask me about your figures, and I will look them up and tell you the source.",
    "thanks": "You are welcome! Ask me whenever you want to look at the next figure.",
    "done": "Done: {what}.",
}
_GERMAN = {
    "lead": "Das habe ich in {server} mit {tool} gefunden{about}.",
    "lead_more": "Und das sagt {server} mit {tool}{about}.",
    "about": " ({values})",
    "empty": "Dazu gibt es nichts zu zeigen: {server} hat keine Zeilen geliefert.",
    "largest": "Den größten Anteil hat {label} mit {value}{unit}: {share} % der {total}{unit} in dieser Tabelle.",
    "each": "{label} hat {value}{unit}",
    "next": "Ein guter nächster Schritt: sieh dir zuerst {label} an, denn das wiegt am meisten.",
    "more": "Gezeigt werden nur die ersten {shown} von {rows} Zeilen.",
    "source": "Quelle: {server}, {tool}{as_of}.",
    "as_of": ", Stand {moment} UTC",
    "failed": "Von {tool} habe ich keine Antwort bekommen: {reason}",
    "unsure": "Diesen Teil lasse ich deshalb offen, statt zu raten.",
    "none_fits": (
        "Dafür habe ich hier kein Werkzeug, und ich möchte nicht raten. Vielleicht gehört es nicht zu deiner Rolle, "
        "oder das System ist nicht angebunden."
    ),
    "offered": "Nachsehen kann ich für dich:",
    "no_tools": (
        "In diesem Gespräch habe ich keine Werkzeuge und kann deshalb keine Zahlen nachsehen. "
        "Falls du welche erwartet hast, frag deinen Administrator, welche Rolle du hast. "
        "Beim Vorbereiten helfe ich trotzdem gern: Sag mir, was du mit wem bis wann erreichen willst, "
        "und ich schlage die nächsten Schritte vor."
    ),
    "hello": "Hallo! Ich bin der Coach. Frag mich nach deinen Zahlen, ich sehe nach und nenne dir die Quelle.",
    "thanks": "Gern! Frag mich, wann immer du die nächste Zahl sehen willst.",
    "done": "Erledigt: {what}.",
}


def say(phrase: str, *, german: bool, **values: object) -> str:
    """Return a sentence in the reader's language."""
    return (_GERMAN if german else _ENGLISH)[phrase].format(**values)
