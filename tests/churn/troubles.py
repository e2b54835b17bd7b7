"""What was planted before accounts of the sample company left: delivery trouble, complaints, a new manager."""

import numpy as np
import pandas as pd

from kam.churn.post_mortem import PostMortemResult
from kam.ledger import Cleaning, Covariates, Ledger, open_ledger
from kam.samples.catalogue import NON_PRODUCT_CODES
from kam.samples.company import _STEPS, SampleCompany
from kam.samples.traits import REGIONS

HALF_YEAR = pd.Timedelta(days=183)


def open_company(company: SampleCompany) -> tuple[Ledger, Covariates]:
    """The ledger of a company, straight from its frame, and what goes with it."""
    cleaning = Cleaning(non_product_codes=tuple(NON_PRODUCT_CODES))
    ledger = open_ledger(company.ledger, as_of=company.as_of, currency="EUR", cleaning=cleaning)
    return ledger, Covariates(accounts=company.accounts, events=company.events)


def disturbed_months(company: SampleCompany, seed: int) -> pd.DataFrame:
    """Account × month: whether deliveries were disturbed, drawn again as draw_deliveries drew it, or by the trap."""
    process = company.truth.process
    n, n_months = process.level.shape
    children = np.random.SeedSequence(seed).spawn(len(_STEPS))
    rng = np.random.default_rng(children[_STEPS.index("deliveries")])
    rng.normal(0.0, 0.25, (len(REGIONS), n_months))
    begins = rng.random((n, n_months)) < 0.03
    disturbed = begins.copy()
    disturbed[:, 1:] |= begins[:, :-1]
    disturbed[:, 2:] |= begins[:, :-2]
    every = np.arange(n_months)[None, :]
    disturbed |= process.plan.is_on("key_account_lost", np.arange(n)[:, None], every)
    return pd.DataFrame(disturbed, index=process.traits.customer_id, columns=pd.DatetimeIndex(process.months.starts))


def judge(company: SampleCompany, result: PostMortemResult, seed: int) -> dict[str, int]:
    """Counts of what was found and of what was planted."""
    truth, accounts = company.truth, result.accounts
    notable = result.movements[result.movements["is_notable"]]
    late, complaints, handed = (
        set(notable.loc[notable["term"] == term, "customer_id"])
        for term in ("late deliveries", "complaints", "manager handover")
    )
    left = truth.accounts.set_index("customer_id")["left"]
    disturbed = disturbed_months(company, seed)
    troubled = set()
    for row in accounts.itertuples():
        days = disturbed.columns
        near = (days + pd.offsets.MonthEnd(0) >= row.last_order - pd.Timedelta(days=110)) & (days <= row.last_order)
        if disturbed.loc[row.customer_id, near].any():
            troubled.add(row.customer_id)
    planted = truth.traps[truth.traps["trap"] == "key_account_lost"]["customer_id"]
    handovers = truth.traps[truth.traps["trap"] == "manager_handover"].set_index("customer_id")["start"]
    listed = handovers.reindex(accounts["customer_id"])
    listed = listed[~listed.index.duplicated()]
    since = pd.Series(accounts["last_order"].to_numpy(), index=accounts["customer_id"].to_numpy()) - listed
    new = set(since[(since >= pd.Timedelta(days=-3)) & (since <= HALF_YEAR - pd.Timedelta(days=25))].index)
    flagged = late | complaints
    return {
        "n_listed": len(accounts),
        "n_listed_left": int(left.reindex(accounts["customer_id"]).notna().sum()),
        "n_planted": len(planted),
        "n_planted_listed": int(planted.isin(accounts["customer_id"]).sum()),
        "n_planted_explained": int(planted.isin(flagged).sum()),
        "n_flagged": len(flagged),
        "n_flagged_true": len(flagged & troubled),
        "n_late": len(late),
        "n_late_true": len(late & troubled),
        "n_handed": len(new),
        "n_handed_found": len(new & handed),
        "n_handed_flagged": len(handed),
        "n_handed_true": len(handed & set(handovers.index)),
    }
