//! Products on the market and how other code systems call them.
//!
//! HOT codes are not held: the master is not ours to copy. CVX and YJ are, as
//! far as our list has them, with `cvx_mark` saying how sure.

use std::sync::LazyLock;

use serde::Deserialize;

use super::code::VaccineCode;

/// One product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Our own code, `PCV20`.
    pub code: String,
    /// Series, or vaccines outside any, as which it may be given. Empty: no vaccine (an antibody).
    pub vaccines: Vec<VaccineCode>,
    /// Name in Japanese.
    pub name_ja: String,
    /// 「A類 (routine)」, 「B類 (routine)」, 「任意 (voluntary)」 or 「old product (records only)」.
    pub legal_class: String,
    /// CVX codes.
    pub cvx: Vec<String>,
    /// Whether the CVX code was seen in a published list.
    pub cvx_verified: bool,
    /// YJ codes (個別医薬品コード).
    pub yj: Vec<String>,
}

/// All products, in the order of the list.
pub fn products() -> &'static [Product] {
    &PRODUCTS
}

/// The product with one of our own codes.
pub fn product(code: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.code == code)
}

impl Product {
    /// Whether it may be given as a dose of a series or as a vaccine.
    pub fn serves(&self, vaccine: &VaccineCode) -> bool {
        self.vaccines.contains(vaccine)
    }
}

#[derive(Deserialize)]
struct Row {
    our_code: String,
    vaccines: String,
    name_ja: String,
    legal_class: String,
    cvx: String,
    cvx_mark: String,
    yj_codes: String,
}

fn read() -> Result<Vec<Product>, csv::Error> {
    csv::Reader::from_reader(LIST.as_bytes()).deserialize().map(|row| row.map(of_row)).collect()
}

fn of_row(row: Row) -> Product {
    let parts =
        |text: &str| text.split('|').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    Product {
        vaccines: parts(&row.vaccines).iter().filter_map(|code| VaccineCode::parse(code).ok()).collect(),
        cvx: parts(&row.cvx),
        cvx_verified: row.cvx_mark.starts_with("seen"),
        yj: parts(&row.yj_codes),
        code: row.our_code,
        name_ja: row.name_ja,
        legal_class: row.legal_class,
    }
}

// A broken list would make products unknown, never a wrong answer; the test below counts it.
static PRODUCTS: LazyLock<Vec<Product>> = LazyLock::new(|| read().unwrap_or_default());

const LIST: &str = include_str!("../../data/vaccination/vaccine_codes.csv");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vaccination::RuleBook;

    #[test]
    fn every_product_is_given_as_vaccines_the_book_knows() {
        let book = RuleBook::embedded().unwrap();
        assert_eq!(products().len(), 33);
        for product in products() {
            assert!(product.vaccines.iter().all(|vaccine| book.kind(vaccine).is_some()), "{}", product.code);
        }
        let served = |series: &VaccineCode| products().iter().any(|product| product.serves(series));
        assert!(book.all_series().iter().all(|series| served(&series.code)));
    }

    /// Mistakes seen in public code: 106, 120 and 300 or 301, and the bladder-cancer product of BCG.
    #[test]
    fn known_traps_are_avoided() {
        let cvx = |code| product(code).unwrap().cvx.clone();
        assert_eq!(cvx("DPT-IPV"), ["130"]);
        assert_eq!(cvx("DPT-IPV-HIB"), ["170"]);
        assert_eq!(cvx("RSV-MAT"), ["305"]);
        assert!(!product("HPV4").unwrap().cvx_verified);
        let bladder = |code: &String| code.starts_with("6391700X") || code.starts_with("6391701X");
        assert!(!products().iter().flat_map(|product| &product.yj).any(bladder));
        assert_eq!(product("NIRSEVIMAB").unwrap().vaccines, []);
    }
}
