//! Every indicator's one promise about its two forms: any mixture of them gives the same bits.
use proptest::prelude::*;

use super::*;

/// Prices with ticks that repeat, jumps and now and then a hole; longer than a few blocks and windows.
fn prices() -> impl Strategy<Value = Vec<f64>> {
    let price = prop_oneof![
        20 => (200_000i64..210_000).prop_map(|paise| paise as f64 / 100.0),
        10 => Just(2_050.05),
        1 => -1e9..1e9,
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(2.0 * LARGEST)],
    ];
    prop::collection::vec(price, 0..400)
}

/// The columns high, low and close around the prices.
fn bars(prices: &[f64]) -> [Vec<f64>; 3] {
    let reach = |factor: f64| {
        prices
            .iter()
            .map(move |price| price + factor * price.abs() / 1e3)
    };
    [reach(1.0).collect(), reach(-0.5).collect(), prices.to_vec()]
}

fn check<I: Indicator<M, K> + Clone, const M: usize, const K: usize>(
    new: I,
    columns: [&[f64]; M],
    cuts: &[usize],
) -> Result<(), TestCaseError> {
    let length = columns[0].len();
    let mut streaming = new.clone();
    let expected: Vec<[u64; K]> = (0..length)
        .map(|at| {
            streaming
                .update(columns.map(|column| column[at]))
                .map(f64::to_bits)
        })
        .collect();

    let mut pieces = new;
    let mut outputs: [Vec<f64>; K] = std::array::from_fn(|_| vec![0.0; length]);
    let mut edges: Vec<usize> = cuts.iter().map(|&cut| cut.min(length)).collect();
    edges.extend([0, length]);
    edges.sort_unstable();
    for edge in edges.windows(2) {
        let span = edge[0]..edge[1];
        let parts = outputs.each_mut().map(|output| &mut output[span.clone()]);
        pieces.batch(columns.map(|column| &column[span.clone()]), parts);
    }

    for (at, expected) in expected.iter().enumerate() {
        prop_assert_eq!(
            &outputs.each_ref().map(|output| output[at].to_bits()),
            expected,
            "input {}",
            at
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_split_of_the_input_gives_the_same_bits(
        prices in prices(),
        cuts in prop::collection::vec(0usize..400, 0..6),
        period in 2i64..30,
    ) {
        let [high, low, close] = bars(&prices);
        let bars = [&high[..], &low, &close];
        check(Sma::new(period).unwrap(), [&prices], &cuts)?;
        check(Ema::new(period).unwrap(), [&prices], &cuts)?;
        check(Wma::new(period).unwrap(), [&prices], &cuts)?;
        check(Rsi::new(period).unwrap(), [&prices], &cuts)?;
        check(Macd::new(period, period + 3, 4).unwrap(), [&prices], &cuts)?;
        check(Bollinger::new(period, 2.0).unwrap(), [&prices], &cuts)?;
        check(Atr::new(period).unwrap(), bars, &cuts)?;
        check(Adx::new(period).unwrap(), bars, &cuts)?;
        check(Supertrend::new(period, 1.5).unwrap(), bars, &cuts)?;
        check(Stochastic::new(period, 3, 2).unwrap(), bars, &cuts)?;
        check(Donchian::new(period).unwrap(), [&high, &low], &cuts)?;
    }

    #[test]
    fn nothing_but_nan_comes_out_until_as_many_clean_inputs_as_the_warmup_says(
        prices in prop::collection::vec(100.0..200.0f64, 120),
        hole in 0usize..60,
        period in 2i64..12,
    ) {
        let mut prices = prices;
        prices[hole] = f64::NAN;
        let [high, low, close] = bars(&prices);
        let bars = [&high[..], &low, &close];
        warms_up(Sma::new(period).unwrap(), [&prices], hole)?;
        warms_up(Ema::new(period).unwrap(), [&prices], hole)?;
        warms_up(Wma::new(period).unwrap(), [&prices], hole)?;
        warms_up(Rsi::new(period).unwrap(), [&prices], hole)?;
        warms_up(Macd::new(period, period + 3, 4).unwrap(), [&prices], hole)?;
        warms_up(Bollinger::new(period, 2.0).unwrap(), [&prices], hole)?;
        warms_up(Atr::new(period).unwrap(), bars, hole)?;
        warms_up(Adx::new(period).unwrap(), bars, hole)?;
        warms_up(Supertrend::new(period, 1.5).unwrap(), bars, hole)?;
        warms_up(Stochastic::new(period, 3, 2).unwrap(), bars, hole)?;
        warms_up(Donchian::new(period).unwrap(), [&high, &low], hole)?;
    }
}

fn warms_up<I: Indicator<M, K>, const M: usize, const K: usize>(
    mut new: I,
    columns: [&[f64]; M],
    hole: usize,
) -> Result<(), TestCaseError> {
    let warmup = new.warmup();
    let mut clean = 0;
    for at in 0..columns[0].len() {
        clean = if at == hole { 0 } else { clean + 1 };
        let values = new.update(columns.map(|column| column[at]));
        prop_assert!(
            values
                .iter()
                .all(|value| value.is_nan() == (clean < warmup)),
            "input {at}: {values:?}"
        );
    }
    Ok(())
}

/// Over so long a stream sums are taken anew many times; both forms do it at the same inputs.
#[test]
fn a_long_stream_cut_anywhere_gives_the_same_bits() {
    let prices: Vec<f64> = (0..20_000)
        .map(|at| 1e4 + f64::from(at % 97) * 0.05 - f64::from(at % 13) * 0.35)
        .collect();
    for cuts in [
        vec![],
        vec![1],
        vec![4_115],
        vec![4_116, 4_117, 12_000],
        vec![8_230, 8_231],
    ] {
        check(Sma::new(20).unwrap(), [&prices], &cuts).unwrap();
        check(Wma::new(20).unwrap(), [&prices], &cuts).unwrap();
        check(Bollinger::new(20, 2.0).unwrap(), [&prices], &cuts).unwrap();
        check(Sma::new(2_000).unwrap(), [&prices], &cuts).unwrap();
    }
}
