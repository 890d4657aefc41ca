# ruff: noqa: E501  (patterns read worse when broken)
"""The dates that people write: `by the 12th`, `ab dem 20.`, `le 3 mai`, `next Friday`, `6月20日`."""

import re
from datetime import date, datetime, timedelta

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero ene gennaio janeiro januari styczen stycznia",
            "february feb februar fevrier fev febrero febbraio fevereiro februari lutego luty",
            "march mar marz maerz mars marzo marco maart marca marzec",
            "april apr avril avr abril abr aprile kwietnia kwiecien",
            "may mai mayo maggio maio mei maja maj",
            "june jun juni juin junio giugno junho czerwca czerwiec",
            "july jul juli juillet julio luglio julho lipca lipiec",
            "august aug aout agosto augustus sierpnia sierpien augusti",
            "september sep sept septembre septiembre settembre setembro wrzesnia wrzesien",
            "october oct oktober okt octobre octubre ottobre outubro pazdziernika oktober",
            "november nov novembre noviembre novembro listopada listopad",
            "december dec dezember dez decembre diciembre dicembre dezembro grudnia grudzien des",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday montag lundi lunes lunedi segunda maandag poniedzialek mandag",
            "tuesday dienstag mardi martes martedi terca dinsdag wtorek tirsdag tisdag",
            "wednesday mittwoch mercredi miercoles mercoledi quarta woensdag sroda onsdag",
            "thursday donnerstag jeudi jueves giovedi quinta donderdag czwartek torsdag",
            "friday freitag vendredi viernes venerdi sexta vrijdag piatek fredag",
            "saturday samstag sonnabend samedi sabado sabato zaterdag sobota lordag lørdag",
            "sunday sonntag dimanche domingo domenica zondag niedziela sondag søndag",
        )
    )
    for name in names.split()
}
_ISO = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.|er|º)? (?:of |de |di )?({_MONTH})\b")
_MONTH_DAY = re.compile(rf"\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?\b")
_EASTERN = re.compile(r"(?:(\d{1,2})[月월]\s*)?(\d{1,2})[日일]")
_NUMERIC = re.compile(r"\b(\d{1,2})\.(\d{1,2})\.(?:20\d\d)?(?!\d)")
_NTH = re.compile(
    r"\b(?:the|on|by|from|until|after|am|ab|dem|zum|le|du|el|il|dal|dia|do|op|de|den|dnia) (\d{1,2})(?:st|nd|rd|th|\.|er|e)?(?![\d:%])\b"
)
_WEEKDAY = re.compile(rf"\b({'|'.join(_DAYS)})\b")
_EASTERN_DAYS = ("月火水木金土日", "월화수목금토일", "一二三四五六日")
_EASTERN_WEEKDAY = re.compile(
    r"([月火水木金土日])曜|([월화수목금토일])요일|(?:星期|周|週|礼拜)([一二三四五六日])"
)
_ARABIC_DAYS = (
    "الاثنين",
    "الثلاثاء",
    "الاربعاء",
    "الخميس",
    "الجمعة",
    "السبت",
    "الاحد",
)  # as `plain` spells them
_ARABIC_WEEKDAY = re.compile("|".join(_ARABIC_DAYS))
_IN_DAYS = re.compile(
    r"\b(?:in|dans|en|tra|fra|em|over|om) (\d{1,2}) (?:(?:business |working )?"
    r"(?:days?|tag(?:en)?|jours?|dias?|giorni|dagen|dagar|dage|dager)|(weeks?|wochen?|semaines?|semanas?|settimane|weken|veckor|uger|uker))\b"
)
_TOMORROW = re.compile(
    r"\b(?:tomorrow|morgen|demain|manana|domani|amanha|jutro|imorgon|i morgen)\b|明日|내일|明天"
)
_MONTH_END = re.compile(
    r"end of (?:the |this )?month|month[- ]end|monatsende|fin du mois|fin de mes|fine (?:del )?mese|fim do mes|eind(?:e)? van de maand|koniec miesiaca|月末|月底|월말"
)


def named_date(sentence: str, written: datetime) -> date | None:
    """The date a sentence names, as its writer meant it: the next such day from when it was written."""
    day = written.date()
    if match := _ISO.search(sentence):
        return _date(int(match[1]), int(match[2]), int(match[3]))
    for pattern, day_first in ((_DAY_MONTH, True), (_MONTH_DAY, False)):
        if match := pattern.search(sentence):
            number, name = (match[1], match[2]) if day_first else (match[2], match[1])
            return _coming(day, _MONTHS[name], int(number))
    if match := _NUMERIC.search(sentence):
        return _coming(day, int(match[2]), int(match[1]))
    if match := _EASTERN.search(sentence):
        month = int(match[1]) if match[1] else None
        return _coming(day, month, int(match[2])) if month else _nth(day, int(match[2]))
    if _MONTH_END.search(sentence):
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    if match := _NTH.search(sentence):
        return _nth(day, int(match[1]))
    if match := _WEEKDAY.search(sentence):
        return day + timedelta(days=(_DAYS[match[1]] - day.weekday() - 1) % 7 + 1)
    if match := _IN_DAYS.search(sentence):
        return day + timedelta(days=int(match[1]) * (7 if match[2] else 1))
    if (weekday := _eastern_weekday(sentence)) is not None:
        return day + timedelta(days=(weekday - day.weekday() - 1) % 7 + 1)
    return day + timedelta(days=1) if _TOMORROW.search(sentence) else None


def _eastern_weekday(sentence: str) -> int | None:
    if match := _EASTERN_WEEKDAY.search(sentence):
        said = next(
            (days, group)
            for days, group in zip(_EASTERN_DAYS, match.groups(), strict=True)
            if group
        )
        return said[0].index(said[1])
    if match := _ARABIC_WEEKDAY.search(sentence):
        return _ARABIC_DAYS.index(match[0])
    return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _coming(written: date, month: int, day: int) -> date | None:
    """This year's, or next year's when this year's was long ago; a recent past date stays past."""
    this = _date(written.year, month, day) if 1 <= month <= 12 else None
    if this is not None and this < written - timedelta(days=60):
        return _date(written.year + 1, month, day)
    return this


def _nth(written: date, day: int) -> date | None:
    """`the 12th`: in this month, or in the next when it has passed."""
    if not 1 <= day <= 31:
        return None
    if day >= written.day:
        return _date(written.year, written.month, day)
    following = (written.replace(day=28) + timedelta(days=4)).replace(day=1)
    return _date(following.year, following.month, day)
