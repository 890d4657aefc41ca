"""What the stand-in model writes when it writes well: grounded, short, in eight languages."""

from typing import Any, NamedTuple, Protocol

Json = dict[str, Any]


class AskedForDraft(Protocol):
    """What a prompt for a draft tells."""

    @property
    def facts(self) -> dict[str, str]: ...
    @property
    def texts(self) -> list[Json]: ...
    @property
    def placeholders(self) -> set[str]: ...
    @property
    def language(self) -> str: ...
    @property
    def decision(self) -> str: ...


class Letter(NamedTuple):
    """The sentences of a short mail to a customer, in one language."""

    code: str
    subject: str
    to_somebody: str
    to_anybody: str
    happened: str
    link: str
    again: str
    reply: str


LETTERS: dict[str, Letter] = {
    "English": Letter(
        "en",
        "Your recent payment",
        "Hello {{contact_first_name}},",
        "Hello,",
        "the payment for invoice {{invoice_number}} did not go through this time.",
        "You can settle it or use another card here: {{update_link}}",
        "We will try again on {{retry_at}}; you do not need to do anything.",
        "If anything is unclear, just reply to this mail. We are glad to help.",
    ),
    "German": Letter(
        "de",
        "Ihre letzte Zahlung",
        "Hallo {{contact_first_name}},",
        "Guten Tag,",
        "die Zahlung für die Rechnung {{invoice_number}} hat dieses Mal leider nicht geklappt.",
        "Hier können Sie sie begleichen oder eine andere Karte hinterlegen: {{update_link}}",
        "Wir versuchen es am {{retry_at}} noch einmal; Sie brauchen nichts zu tun.",
        "Wenn etwas unklar ist, antworten Sie einfach auf diese Mail. Wir helfen gern.",
    ),
    "French": Letter(
        "fr",
        "Votre dernier paiement",
        "Bonjour {{contact_first_name}},",
        "Bonjour,",
        "le paiement de la facture {{invoice_number}} n'a pas abouti cette fois-ci.",
        "Vous pouvez la régler ou enregistrer une autre carte ici : {{update_link}}",
        "Nous ferons une nouvelle tentative le {{retry_at}} ; vous n'avez rien à faire.",
        "Si quelque chose n'est pas clair, répondez simplement à ce message. Nous "
        "vous aiderons volontiers.",
    ),
    "Spanish": Letter(
        "es",
        "Su último pago",
        "Hola {{contact_first_name}}:",
        "Buenos días:",
        "el pago de la factura {{invoice_number}} no se pudo completar esta vez.",
        "Puede pagarla o usar otra tarjeta aquí: {{update_link}}",
        "Haremos un nuevo intento el {{retry_at}}; no tiene que hacer nada.",
        "Si tiene alguna duda, responda a este correo. Le ayudaremos con gusto.",
    ),
    "Italian": Letter(
        "it",
        "Il suo ultimo pagamento",
        "Buongiorno {{contact_first_name}},",
        "Buongiorno,",
        "il pagamento della fattura {{invoice_number}} questa volta non è andato a buon fine.",
        "Può saldarla o usare un'altra carta qui: {{update_link}}",
        "Faremo un nuovo tentativo il {{retry_at}}; non deve fare nulla.",
        "Se qualcosa non è chiaro, risponda a questa mail. La aiuteremo volentieri.",
    ),
    "Portuguese": Letter(
        "pt",
        "O seu último pagamento",
        "Olá {{contact_first_name}},",
        "Olá,",
        "o pagamento da fatura {{invoice_number}} não foi concluído desta vez.",
        "Pode pagar ou usar outro cartão aqui: {{update_link}}",
        "Faremos uma nova tentativa em {{retry_at}}; não precisa fazer nada.",
        "Se algo não estiver claro, responda a este e-mail. Ajudamos com prazer.",
    ),
    "Dutch": Letter(
        "nl",
        "Uw laatste betaling",
        "Hallo {{contact_first_name}},",
        "Goedendag,",
        "de betaling van factuur {{invoice_number}} is deze keer niet gelukt.",
        "U kunt hier betalen of een andere kaart gebruiken: {{update_link}}",
        "We doen op {{retry_at}} een nieuwe poging; u hoeft niets te doen.",
        "Is er iets onduidelijk, antwoord dan gewoon op deze mail. We helpen u graag.",
    ),
    "Japanese": Letter(
        "ja",
        "お支払いについて",
        "{{contact_first_name}} 様",
        "ご担当者様",
        "請求書 {{invoice_number}} のお支払いが今回は完了しませんでした。",
        "こちらからお支払い、または別のカードのご登録をお願いいたします： {{update_link}}",
        "{{retry_at}} に再度決済を行いますので、お手続きは必要ございません。",
        "ご不明な点がございましたら、このメールにご返信ください。喜んでお手伝いいたします。",
    ),
}


def draft(asked: AskedForDraft) -> Json:
    """A handoff in plain words, with nothing in it that the prompt did not offer."""
    has = asked.placeholders
    amount = " of {{amount_due}}" if "amount_due" in has else ""
    company = "{{company}}" if "company" in has else "this account"
    return {
        "summary": [
            f"The payment{amount} by {company} could not be taken.",
            "Nothing suggests bad will; a friendly word usually settles it.",
        ],
        "why_this_action": "It is the calmest step that can still bring the money in.",
        "account_context": _context(asked),
        "suggested_next_steps": [
            "Have a look at the context above before you write.",
            "Ask in your own words what would help them most.",
        ],
        "talking_points": ["Their service goes on while this is sorted out."],
        "avoid": ["Guessing at the reasons of their bank."],
        **_customer(asked),
    }


def _context(asked: AskedForDraft) -> list[Json]:
    items = [
        {"text": f"{text.split(' (')[0]}.", "evidence_ids": [id]}
        for id, text in asked.facts.items()
        if text.startswith("A customer for")
    ]
    items += [
        {"text": f"On file: “{_opening(text['text'])}”", "evidence_ids": [text["id"]]}
        for text in asked.texts
        if text["id"].startswith(("NOTE", "TKT"))
    ]
    if not items:
        some = next(iter(asked.facts))
        items = [
            {
                "text": "The processor has the invoice open; it asks for payment.",
                "evidence_ids": [some],
            }
        ]
    return items[:4]


def _opening(text: str) -> str:
    """The first sentence, without our own ticket head."""
    body = text.split("] ", 1)[-1] if text.startswith("[ticket") else text
    return body.split(". ")[0].split("\n")[0].strip(" .")[:110]


def _customer(asked: AskedForDraft) -> Json:
    if "leave" in asked.decision:
        return dict.fromkeys(("customer_language", "customer_subject", "customer_body"))
    letter, has = LETTERS.get(asked.language, LETTERS["English"]), asked.placeholders
    numberless = letter.happened.replace(" {{invoice_number}}", "")
    lines = [
        letter.to_somebody if "contact_first_name" in has else letter.to_anybody,
        letter.happened if "invoice_number" in has else numberless,
    ]
    if "charge again" in asked.decision and "retry_at" in has:
        lines.append(letter.again)
    elif "update_link" in has:
        lines.append(letter.link)
    return {
        "customer_language": letter.code,
        "customer_subject": letter.subject,
        "customer_body": "\n\n".join([*lines, letter.reply]),
    }
