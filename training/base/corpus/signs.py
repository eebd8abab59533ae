"""Signs and foreign letters in values: `R&D`, `saddle & robin`, `José`, `-5 °C`, `约翰·史密斯`, `50％`.

What no document shows cannot be copied: a sign that pretraining never saw ends a value where it should go on.
Comes in: a value's text. Goes out: the text with a sign in it. No comma, no double quote and no bracket of JSON is put
in: those tell where a value ends.
"""

import random

BETWEEN = (
    *(" & ", "&", " + ", "+", " – ", "–", "-", " — ", " / ", "/", " × ", "÷", "~", " = ", "=", " > ", "_", ".", "…"),
    *("’", "'", "^", "|", "@", "*", "\\", "·", ": "),
)
BEFORE = ("$", "€", "£", "¥", "~", "#", "@", "+", "*", "&", "§", "№ ", "<", "≥", "≈", "`", "‘", "½ ", "α")
AFTER = (
    *("%", "°", " °C", "℃", "!", "?", "²", "³", "™", "©", "®", "+", "#", "*", "++", "'s", "’s", "’"),
    *("€", "µ", "Ω", "½"),
)
BETWEEN_ZH = (
    *("·", "·", "－", "—", "——", "～", "~", "＋", "+", "＆", "&", "／", "/", "×", "：", "•", "＝", "@", "…", "★"),
)
BEFORE_ZH = ("￥", "¥", "＃", "#", "～", "＄", "$", "【", "√")
AFTER_ZH = ("％", "%", "℃", "！", "？", "～", "＋", "+", "号", "①", "②", "③", "】", "°", "㎡", "→")
FOREIGN = {
    "a": "áàâäãåā", "c": "çčć", "e": "éèêëęě", "g": "ğ", "i": "íìîïī", "l": "ł", "n": "ñńň", "o": "óòôöõøō",
    "r": "ř", "s": "šşß", "u": "úùûüū", "y": "ýÿ", "z": "žźż", "A": "ÁÄÅ", "E": "ÉÈ", "O": "ÖØÓ", "S": "ŠŞ", "U": "ÜÚ",
}  # fmt: skip


def foreign(rng: random.Random, text: str) -> str:
    """One letter of `text`, where one can be, as another language writes it; seldom two."""
    for _ in range(rng.choice((1, 1, 1, 2))):
        places = [at for at, letter in enumerate(text) if letter in FOREIGN]
        if places:
            at = rng.choice(places)
            text = text[:at] + rng.choice(FOREIGN[text[at]]) + text[at + 1 :]
    return text


def signed(rng: random.Random, text: str, lang: str) -> str:
    """`text` with one sign: before it, after it, or where words or characters meet; or with a foreign letter."""
    between, before, after = (BETWEEN_ZH, BEFORE_ZH, AFTER_ZH) if lang == "zh" else (BETWEEN, BEFORE, AFTER)
    roll = rng.random()
    if roll < 0.3 and lang == "en":
        return foreign(rng, text)
    if roll < 0.7 and len(text) > 1:
        return _between(rng, text, rng.choice(between))
    return rng.choice(before) + text if roll < 0.83 else text + rng.choice(after)


def _between(rng: random.Random, text: str, sign: str) -> str:
    """In the place of a space, or between any two characters where there is none."""
    spaces = [at for at, letter in enumerate(text) if letter == " "]
    at, length = (rng.choice(spaces), 1) if spaces else (rng.randint(1, len(text) - 1), 0)
    return text[:at] + sign + text[at + length :]
