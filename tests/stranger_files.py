"""Files as strangers send them, made of the sample: what docs/first_hour.md begins with."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
N_ACCOUNTS = 120


def read_lines() -> pd.DataFrame:
    """The order lines of the first accounts of the sample."""
    lines = pd.read_parquet(SAMPLE / "ledger.parquet").dropna(subset=["customer_id", "order_date"])
    lines["amount"] = lines["amount"].astype(float)
    lines["order_date"] = pd.to_datetime(lines["order_date"])
    wanted = sorted(lines["customer_id"].unique())[:N_ACCOUNTS]
    return lines[lines["customer_id"].isin(wanted)]


def read_accounts() -> pd.DataFrame:
    """Number, name and industry of the same accounts."""
    accounts = pd.read_csv(SAMPLE / "accounts.csv", dtype=str)[["customer_id", "name", "industry"]]
    return accounts[accounts["customer_id"].isin(read_lines()["customer_id"])]


def write_text_file(path: Path) -> None:
    """Korean headers, semicolons, decimal commas, CP949."""
    lines = read_lines()
    frame = pd.DataFrame(
        {
            "고객번호": lines["customer_id"],
            "주문일자": lines["order_date"].dt.strftime("%Y/%m/%d"),
            "매출액(원)": (lines["amount"] * 1000).map(lambda won: f"{won:.2f}".replace(".", ",")),
            "주문번호": lines["order_id"],
            "제품군": lines["product_group"].fillna(""),
        }
    )
    path.write_bytes(frame.to_csv(index=False, sep=";").encode("cp949"))


def write_workbook(path: Path) -> None:
    """A sheet of orders per year, the second below a title, and one of accounts."""
    lines = read_lines()
    lines = lines[lines["order_date"] >= "2024"].sort_values("order_date", kind="stable")
    orders = lines[["customer_id", "order_date", "amount", "order_id"]]
    orders = orders.set_axis(["Customer No", "Order Date", "Net Amount", "Order No"], axis=1)
    accounts = read_accounts().set_axis(["Customer No", "Name", "Industry"], axis=1)
    with pd.ExcelWriter(path) as writer:
        orders[orders["Order Date"] < "2025"].to_excel(writer, sheet_name="2024", index=False)
        orders[orders["Order Date"] >= "2025"].to_excel(writer, sheet_name="2025", index=False, startrow=2)
        writer.sheets["2025"].write(0, 0, "Sales 2025")
        accounts.to_excel(writer, sheet_name="Customers", index=False)
