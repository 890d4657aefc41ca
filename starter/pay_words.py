"""What the customer's page says, by language. Each text is a heading and a sentence."""

from dataclasses import dataclass

Text = tuple[str, str]


@dataclass(frozen=True)
class Words:
    language: str
    ask: Text
    button: str
    secure: str
    thanks: Text
    contact: Text
    gone: Text
    later: Text
    again: str
    slow_down: Text


ENGLISH = Words(
    language="en",
    ask=(
        "Your payment didn't go through",
        "Continue to see your invoice, and pay it with the same card or another one. "
        "Nothing is charged until you confirm.",
    ),
    button="Continue to payment",
    secure="Payment is handled securely by Stripe.",
    thanks=(
        "All paid, thank you",
        "This invoice is settled. There is nothing left for you to do.",
    ),
    contact=(
        "This invoice can't be paid here",
        "Please reply to the e-mail you came from, and we will sort it out with you.",
    ),
    gone=(
        "This link no longer works",
        "It may have expired. Please use the link in our latest e-mail, or reply to it for help.",
    ),
    later=(
        "Just a moment, please",
        "We can't reach the payment page right now. Nothing was charged. Please try again shortly.",
    ),
    again="Try again",
    slow_down=("One moment, please", "That was a little fast. Please try again in a minute."),
)

GERMAN = Words(
    language="de",
    ask=(
        "Ihre Zahlung hat nicht geklappt",
        "Weiter zu Ihrer Rechnung: Dort bezahlen Sie mit derselben oder einer anderen Karte. "
        "Abgebucht wird erst, wenn Sie zustimmen.",
    ),
    button="Weiter zur Zahlung",
    secure="Die Zahlung läuft sicher über Stripe.",
    thanks=("Bezahlt, vielen Dank", "Diese Rechnung ist beglichen. Sie müssen nichts weiter tun."),
    contact=(
        "Diese Rechnung lässt sich hier nicht bezahlen",
        "Bitte antworten Sie auf unsere E-Mail, dann klären wir das gemeinsam.",
    ),
    gone=(
        "Dieser Link gilt nicht mehr",
        "Er ist vielleicht abgelaufen. Bitte nutzen Sie den Link in unserer neuesten E-Mail, "
        "oder antworten Sie darauf.",
    ),
    later=(
        "Einen Moment, bitte",
        "Die Zahlungsseite ist gerade nicht erreichbar. Es wurde nichts abgebucht. "
        "Bitte versuchen Sie es gleich noch einmal.",
    ),
    again="Noch einmal versuchen",
    slow_down=("Einen Moment, bitte", "Das ging etwas schnell. Bitte in einer Minute noch einmal."),
)

FRENCH = Words(
    language="fr",
    ask=(
        "Votre paiement n'a pas abouti",
        "Continuez pour voir votre facture et la régler avec la même carte ou une autre. "
        "Rien n'est débité avant votre confirmation.",
    ),
    button="Continuer vers le paiement",
    secure="Le paiement est sécurisé par Stripe.",
    thanks=("C'est réglé, merci", "Cette facture est payée. Vous n'avez plus rien à faire."),
    contact=(
        "Cette facture ne peut pas être réglée ici",
        "Répondez simplement à notre e-mail, nous trouverons une solution ensemble.",
    ),
    gone=(
        "Ce lien n'est plus valable",
        "Il a peut-être expiré. Utilisez le lien de notre dernier e-mail, ou répondez-y.",
    ),
    later=(
        "Un instant, s'il vous plaît",
        "La page de paiement est momentanément inaccessible. Rien n'a été débité. "
        "Réessayez dans un instant.",
    ),
    again="Réessayer",
    slow_down=("Un instant, s'il vous plaît", "Merci de réessayer dans une minute."),
)

SPANISH = Words(
    language="es",
    ask=(
        "Su pago no se ha completado",
        "Continúe para ver su factura y pagarla con la misma tarjeta o con otra. "
        "No se cobra nada hasta que usted lo confirme.",
    ),
    button="Continuar al pago",
    secure="Stripe gestiona el pago de forma segura.",
    thanks=("Pagada, gracias", "Esta factura está pagada. No tiene que hacer nada más."),
    contact=(
        "Esta factura no se puede pagar aquí",
        "Responda a nuestro correo y lo resolveremos con usted.",
    ),
    gone=(
        "Este enlace ya no funciona",
        "Puede que haya caducado. Use el enlace de nuestro último correo o responda a él.",
    ),
    later=(
        "Un momento, por favor",
        "Ahora no podemos abrir la página de pago. No se ha cobrado nada. "
        "Vuelva a intentarlo en unos instantes.",
    ),
    again="Volver a intentarlo",
    slow_down=("Un momento, por favor", "Vuelva a intentarlo dentro de un minuto."),
)

ITALIAN = Words(
    language="it",
    ask=(
        "Il pagamento non è andato a buon fine",
        "Continui per vedere la fattura e pagarla con la stessa carta o con un'altra. "
        "Nulla viene addebitato prima della Sua conferma.",
    ),
    button="Continua al pagamento",
    secure="Il pagamento è gestito in sicurezza da Stripe.",
    thanks=("Pagata, grazie", "Questa fattura è saldata. Non deve fare altro."),
    contact=(
        "Questa fattura non si può pagare qui",
        "Risponda alla nostra e-mail e troveremo insieme una soluzione.",
    ),
    gone=(
        "Questo link non è più valido",
        "Forse è scaduto. Usi il link della nostra e-mail più recente oppure risponda a quella.",
    ),
    later=(
        "Un momento, per favore",
        "La pagina di pagamento non è raggiungibile. Nulla è stato addebitato. Riprovi tra poco.",
    ),
    again="Riprova",
    slow_down=("Un momento, per favore", "Riprovi tra un minuto."),
)

DUTCH = Words(
    language="nl",
    ask=(
        "Uw betaling is niet gelukt",
        "Ga verder om uw factuur te bekijken en te betalen, met dezelfde of een andere kaart. "
        "Er wordt niets afgeschreven voordat u bevestigt.",
    ),
    button="Verder naar de betaling",
    secure="De betaling verloopt veilig via Stripe.",
    thanks=("Betaald, dank u wel", "Deze factuur is voldaan. U hoeft niets meer te doen."),
    contact=(
        "Deze factuur kan hier niet worden betaald",
        "Beantwoord onze e-mail, dan lossen we het samen op.",
    ),
    gone=(
        "Deze link werkt niet meer",
        "Misschien is hij verlopen. Gebruik de link in onze nieuwste e-mail of beantwoord die.",
    ),
    later=(
        "Een moment, alstublieft",
        "De betaalpagina is nu niet bereikbaar. Er is niets afgeschreven. Probeer het zo opnieuw.",
    ),
    again="Opnieuw proberen",
    slow_down=("Een moment, alstublieft", "Probeer het over een minuut opnieuw."),
)

PORTUGUESE = Words(
    language="pt",
    ask=(
        "O seu pagamento não foi concluído",
        "Continue para ver a sua fatura e pagá-la com o mesmo cartão ou com outro. "
        "Nada é cobrado antes da sua confirmação.",
    ),
    button="Continuar para o pagamento",
    secure="O pagamento é processado com segurança pela Stripe.",
    thanks=("Paga, obrigado", "Esta fatura está paga. Não precisa de fazer mais nada."),
    contact=(
        "Esta fatura não pode ser paga aqui",
        "Responda ao nosso e-mail e resolvemos consigo.",
    ),
    gone=(
        "Esta ligação já não funciona",
        "Pode ter expirado. Use a ligação do nosso e-mail mais recente ou responda-lhe.",
    ),
    later=(
        "Um momento, por favor",
        "A página de pagamento não está acessível. Nada foi cobrado. "
        "Tente novamente daqui a pouco.",
    ),
    again="Tentar novamente",
    slow_down=("Um momento, por favor", "Tente novamente daqui a um minuto."),
)

JAPANESE = Words(
    language="ja",
    ask=(
        "お支払いが完了しませんでした",
        "次のページで請求書をご確認のうえ、同じカードまたは別のカードでお支払いいただけます。"
        "ご確認いただくまで請求されることはありません。",
    ),
    button="お支払いへ進む",
    secure="お支払いは Stripe により安全に処理されます。",
    thanks=("お支払い済みです。ありがとうございます", "この請求書のお手続きは完了しています。"),
    contact=(
        "この請求書はこちらではお支払いいただけません",
        "お手数ですが、お送りしたメールにご返信ください。担当者がご案内いたします。",
    ),
    gone=(
        "このリンクは無効です",
        "有効期限が切れた可能性があります。最新のメールのリンクをご利用いただくか、ご返信ください。",
    ),
    later=(
        "少々お待ちください",
        "お支払いページに接続できません。請求は発生していません。しばらくしてからもう一度お試しください。",
    ),
    again="もう一度試す",
    slow_down=("少々お待ちください", "1分後にもう一度お試しください。"),
)

ALL = (ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, DUTCH, PORTUGUESE, JAPANESE)
SPOKEN = {words.language: words for words in ALL}


def words_for(accept_language: str) -> Words:
    """The first language of the browser's list that we speak; English otherwise."""
    for part in accept_language[:200].split(","):
        language = part.partition(";")[0].strip()[:2].lower()
        if language in SPOKEN:
            return SPOKEN[language]
    return ENGLISH
