//! The shares that the simulated exchange lists: NSE's own tokens, prices that are made up.

use crate::terms::Exchange;

/// A share of the simulated day.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    pub symbol: &'static str,
    pub name: &'static str,
    pub exchange_token: u32,
    pub exchange: Exchange,
    /// A plausible close of late 2026, in rupees.
    pub close: f64,
    /// How it moves with the index.
    pub beta: f64,
    /// Its own volatility of a year, beside the index's.
    pub volatility: f64,
    /// Shares traded on an ordinary day.
    pub volume: f64,
}

/// Shares that the small universe lists too: the first of the table.
pub const HOUSE_SHARES: usize = 8;

/// One row: symbol, name, token, close, beta, volatility, shares a day.
type Row = (&'static str, &'static str, u32, f64, f64, f64, f64);

/// Real names and NSE tokens; the prices are made up. All of them have derivatives.
#[rustfmt::skip]
const ROWS: [Row; 50] = [
    ("RELIANCE", "RELIANCE INDUSTRIES", 2885, 1482.0, 1.05, 0.14, 9.0e6),
    ("HDFCBANK", "HDFC BANK", 1333, 1004.0, 0.95, 0.12, 1.6e7),
    ("ICICIBANK", "ICICI BANK", 4963, 1376.0, 1.0, 0.13, 1.0e7),
    ("INFY", "INFOSYS", 1594, 1523.0, 0.85, 0.17, 6.0e6),
    ("TCS", "TATA CONSULTANCY SERV LT", 11536, 3068.0, 0.75, 0.15, 2.2e6),
    ("SBIN", "STATE BANK OF INDIA", 3045, 884.0, 1.15, 0.15, 9.0e6),
    ("ITC", "ITC", 1660, 407.0, 0.6, 0.12, 1.1e7),
    ("TATASTEEL", "TATA STEEL", 3499, 172.0, 1.3, 0.2, 2.6e7),
    ("AXISBANK", "AXIS BANK", 5900, 1228.0, 1.1, 0.15, 7.5e6),
    ("KOTAKBANK", "KOTAK MAHINDRA BANK", 1922, 2104.0, 0.9, 0.14, 2.6e6),
    ("LT", "LARSEN & TOUBRO", 11483, 3964.0, 1.1, 0.14, 1.8e6),
    ("BHARTIARTL", "BHARTI AIRTEL", 10604, 2086.0, 0.8, 0.14, 4.8e6),
    ("HINDUNILVR", "HINDUSTAN UNILEVER", 1394, 2412.0, 0.5, 0.13, 1.5e6),
    ("BAJFINANCE", "BAJAJ FINANCE", 317, 1037.0, 1.3, 0.18, 6.4e6),
    ("MARUTI", "MARUTI SUZUKI INDIA", 10999, 15820.0, 0.9, 0.15, 4.2e5),
    ("SUNPHARMA", "SUN PHARMACEUTICAL IND L", 3351, 1742.0, 0.6, 0.15, 2.3e6),
    ("TITAN", "TITAN COMPANY", 3506, 3846.0, 0.9, 0.16, 9.5e5),
    ("ASIANPAINT", "ASIAN PAINTS", 236, 2868.0, 0.7, 0.16, 1.2e6),
    ("ULTRACEMCO", "ULTRATECH CEMENT", 11532, 11905.0, 0.9, 0.15, 3.0e5),
    ("NTPC", "NTPC", 11630, 327.0, 1.0, 0.16, 1.2e7),
    ("POWERGRID", "POWER GRID CORP. LTD.", 14977, 274.0, 0.8, 0.15, 1.1e7),
    ("ONGC", "OIL AND NATURAL GAS CORP.", 2475, 248.0, 0.9, 0.18, 1.3e7),
    ("COALINDIA", "COAL INDIA", 20374, 381.0, 0.8, 0.16, 6.5e6),
    ("WIPRO", "WIPRO", 3787, 246.0, 0.9, 0.18, 9.0e6),
    ("HCLTECH", "HCL TECHNOLOGIES", 7229, 1607.0, 0.9, 0.18, 2.2e6),
    ("TECHM", "TECH MAHINDRA", 13538, 1438.0, 0.95, 0.19, 1.8e6),
    ("ADANIENT", "ADANI ENTERPRISES", 25, 2376.0, 1.5, 0.28, 1.5e6),
    ("ADANIPORTS", "ADANI PORT & SEZ", 15083, 1476.0, 1.4, 0.22, 2.6e6),
    ("JSWSTEEL", "JSW STEEL", 11723, 1162.0, 1.2, 0.19, 2.0e6),
    ("HINDALCO", "HINDALCO INDUSTRIES", 1363, 803.0, 1.3, 0.21, 5.2e6),
    ("GRASIM", "GRASIM INDUSTRIES", 1232, 2742.0, 0.9, 0.15, 7.0e5),
    ("CIPLA", "CIPLA", 694, 1522.0, 0.5, 0.16, 1.7e6),
    ("DRREDDY", "DR. REDDY S LABORATORIES", 881, 1246.0, 0.5, 0.17, 1.6e6),
    ("EICHERMOT", "EICHER MOTORS", 910, 6874.0, 0.9, 0.17, 4.5e5),
    ("HEROMOTOCO", "HERO MOTOCORP", 1348, 5586.0, 0.9, 0.18, 6.0e5),
    ("BAJAJ-AUTO", "BAJAJ AUTO", 16669, 8912.0, 0.85, 0.17, 3.5e5),
    ("BAJAJFINSV", "BAJAJ FINSERV", 16675, 2058.0, 1.15, 0.16, 1.3e6),
    ("NESTLEIND", "NESTLE INDIA", 17963, 1276.0, 0.45, 0.13, 1.1e6),
    ("BRITANNIA", "BRITANNIA INDUSTRIES", 547, 5842.0, 0.5, 0.15, 3.0e5),
    ("APOLLOHOSP", "APOLLO HOSPITALS ENTER. L", 157, 7425.0, 0.8, 0.17, 3.6e5),
    ("DIVISLAB", "DIVI'S LABORATORIES", 10940, 6438.0, 0.6, 0.18, 4.0e5),
    ("SBILIFE", "SBI LIFE INSURANCE CO", 21808, 2004.0, 0.8, 0.15, 1.0e6),
    ("HDFCLIFE", "HDFC LIFE INS CO", 467, 764.0, 0.8, 0.16, 2.4e6),
    ("INDUSINDBK", "INDUSIND BANK", 5258, 842.0, 1.3, 0.26, 4.5e6),
    ("M&M", "MAHINDRA & MAHINDRA", 2031, 3694.0, 1.1, 0.17, 2.1e6),
    ("TMPV", "TATA MOTORS PASS VEH", 3456, 392.0, 1.3, 0.2, 1.1e7),
    ("BPCL", "BHARAT PETROLEUM CORP", 526, 358.0, 1.1, 0.19, 5.5e6),
    ("TATACONSUM", "TATA CONSUMER PRODUCT", 3432, 1168.0, 0.7, 0.16, 1.1e6),
    ("SHRIRAMFIN", "SHRIRAM FINANCE", 4306, 818.0, 1.4, 0.2, 4.8e6),
    ("TRENT", "TRENT", 1964, 4368.0, 1.2, 0.24, 8.0e5),
];

/// The shares at NSE, in the table's order.
pub fn shares() -> impl Iterator<Item = Share> {
    ROWS.iter().map(|&row| {
        let (symbol, name, exchange_token, close, beta, volatility, volume) = row;
        Share {
            symbol,
            name,
            exchange_token,
            exchange: Exchange::Nse,
            close,
            beta,
            volatility,
            volume,
        }
    })
}

/// A share at the other exchange too, which has far less business in it.
pub fn share_at_bse() -> Share {
    let sbin = shares().find(|share| share.symbol == "SBIN");
    Share {
        exchange_token: 500_112,
        exchange: Exchange::Bse,
        volume: 4.0e5,
        ..sbin.expect("SBIN is in the table")
    }
}
