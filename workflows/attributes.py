"""The search attributes of a case, as the Web UI and `temporal workflow list` filter by them.

They are never encrypted: ids, states and amounts only, no personal data.
"""

from temporalio.common import SearchAttributeKey

STATE = SearchAttributeKey.for_keyword("DunningState")
ACTION = SearchAttributeKey.for_keyword("DunningAction")
CUSTOMER = SearchAttributeKey.for_keyword("StripeCustomerId")
DECLINE_CODE = SearchAttributeKey.for_keyword("DeclineCode")
PLAN_TIER = SearchAttributeKey.for_keyword("PlanTier")
AMOUNT_DUE = SearchAttributeKey.for_int("AmountDueMinor")
NEXT_ACTION_AT = SearchAttributeKey.for_datetime("NextActionAt")

ALL = (STATE, ACTION, CUSTOMER, DECLINE_CODE, PLAN_TIER, AMOUNT_DUE, NEXT_ACTION_AT)
