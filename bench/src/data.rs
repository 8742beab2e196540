//! The one data set that every peer gets too, read from the csv files that bench/data/generate.py writes. It takes what is
//! there as it is: a value that does not fit ends the run, none is mended.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use sync_protocol::units::Month;

/// A market and its region.
pub(crate) struct Market {
    pub(crate) name: String,
    /// Place in [`Dataset::regions`].
    pub(crate) region: usize,
}

/// One line of prices.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Series {
    /// Places in the lists of the same names.
    pub(crate) market: usize,
    pub(crate) commodity: usize,
    pub(crate) unit: usize,
    pub(crate) price_type: String,
    pub(crate) currency: String,
}

/// One price.
pub(crate) struct Price {
    /// Place in [`Dataset::series`].
    pub(crate) series: usize,
    pub(crate) month: Month,
    pub(crate) price_minor: i64,
}

/// A cooperative and its region.
pub(crate) struct Cooperative {
    pub(crate) name: String,
    pub(crate) region: usize,
}

/// Something for sale.
pub(crate) struct Product {
    /// Places in the lists of the same names.
    pub(crate) cooperative: usize,
    pub(crate) commodity: usize,
    pub(crate) unit: usize,
    pub(crate) name: String,
    pub(crate) price_minor: i64,
    /// In whole units.
    pub(crate) quantity: i64,
    pub(crate) currency: String,
}

/// All of it. Places in the lists count from 0; the hub's ids are one higher.
#[derive(Default)]
pub(crate) struct Dataset {
    pub(crate) regions: Vec<String>,
    pub(crate) units: Vec<String>,
    pub(crate) commodities: Vec<String>,
    pub(crate) markets: Vec<Market>,
    pub(crate) series: Vec<Series>,
    /// By date, as a price file is.
    pub(crate) prices: Vec<Price>,
    pub(crate) cooperatives: Vec<Cooperative>,
    pub(crate) products: Vec<Product>,
}

#[derive(Deserialize)]
struct PlaceLine {
    name: String,
    region: String,
}

#[derive(Deserialize)]
struct NameLine {
    name: String,
}

#[derive(Deserialize)]
struct PriceLine {
    date: String,
    market_id: usize,
    commodity_id: usize,
    unit: String,
    price: String,
    currency: String,
    price_type: String,
}

#[derive(Deserialize)]
struct ProductLine {
    name: String,
    crop: String,
    unit: String,
    price_minor: i64,
    currency: String,
    quantity: i64,
    cooperative_id: usize,
}

/// A list without repeats, and where each of its members is.
#[derive(Default)]
struct Names {
    list: Vec<String>,
    places: HashMap<String, usize>,
}

impl Names {
    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        self.list.push(name.to_owned());
        self.places.insert(name.to_owned(), self.list.len() - 1);
        self.list.len() - 1
    }
}

impl Dataset {
    /// Reads the data set; makes it first where it is missing, which needs Python 3.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub(crate) fn ready(folder: &Path) -> Result<Self> {
        if !folder.join("meta.json").is_file() {
            let bench = crate::bench_dir();
            let mut make = Command::new("python3");
            make.arg(bench.join("data/generate.py")).arg(folder).arg(bench.join("../hub/data/prices"));
            let made = make.output().context("cannot run python3: install it with deploy/setup bench")?;
            let said = String::from_utf8_lossy(&made.stderr);
            ensure!(made.status.success(), "data/generate.py failed: {}", said.trim());
        }
        Self::read(folder).with_context(|| format!("the data set in {}", folder.display()))
    }

    fn read(folder: &Path) -> Result<Self> {
        let (mut regions, mut units, mut crops) = (Names::default(), Names::default(), Names::default());
        let mut data = Self::default();
        for line in lines::<PlaceLine>(folder, "markets")? {
            data.markets.push(Market { region: regions.place(&line.region), name: line.name });
        }
        for line in lines::<PlaceLine>(folder, "cooperatives")? {
            data.cooperatives.push(Cooperative { region: regions.place(&line.region), name: line.name });
        }
        for line in lines::<NameLine>(folder, "commodities")? {
            crops.place(&line.name);
        }
        data.read_prices(folder, &mut units, crops.list.len())?;
        for line in lines::<ProductLine>(folder, "products")? {
            let cooperative = line.cooperative_id - 1;
            ensure!(cooperative < data.cooperatives.len(), "no cooperative {}", line.cooperative_id);
            data.products.push(Product {
                cooperative,
                commodity: crops.place(&line.crop),
                unit: units.place(&line.unit),
                name: line.name,
                price_minor: line.price_minor,
                quantity: line.quantity,
                currency: line.currency,
            });
        }
        (data.regions, data.units, data.commodities) = (regions.list, units.list, crops.list);
        Ok(data)
    }

    fn read_prices(&mut self, folder: &Path, units: &mut Names, commodities: usize) -> Result<()> {
        let mut places: HashMap<Series, usize> = HashMap::new();
        for line in lines::<PriceLine>(folder, "prices")? {
            let (market, commodity) = (line.market_id.wrapping_sub(1), line.commodity_id.wrapping_sub(1));
            ensure!(market < self.markets.len() && commodity < commodities, "a price of nothing");
            let unit = units.place(&line.unit);
            let of = Series { market, commodity, unit, price_type: line.price_type, currency: line.currency };
            let next = self.series.len();
            let series = *places.entry(of.clone()).or_insert(next);
            if series == next {
                self.series.push(of);
            }
            let month = month(&line.date).with_context(|| format!("date {}", line.date))?;
            // The source has forecast rows of 0.00, which no hub takes; the smallest price is as long in bytes.
            let price_minor = minor(&line.price)
                .map(|minor| minor.max(1))
                .with_context(|| format!("price {}", line.price))?;
            self.prices.push(Price { series, month, price_minor });
        }
        Ok(())
    }
}

fn lines<T: DeserializeOwned>(folder: &Path, table: &str) -> Result<Vec<T>> {
    let path = folder.join(format!("{table}.csv"));
    let mut reader = csv::Reader::from_path(&path).with_context(|| path.display().to_string())?;
    reader.deserialize().collect::<Result<_, _>>().with_context(|| path.display().to_string())
}

/// `2024-05-15` is May 2024.
fn month(date: &str) -> Option<Month> {
    let (year, rest) = date.split_once('-')?;
    Month::new(year.parse().ok()?, rest.get(..2)?.parse().ok()?)
}

/// Two digits after the point, as the generator writes it.
fn minor(price: &str) -> Option<i64> {
    let (whole, part) = price.split_once('.')?;
    if part.len() != 2 {
        return None;
    }
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_files_become_lists_with_places() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("meta.json", "{}");
        write("markets.csv", "id,name,region\n1,A,North\n2,B,South\n");
        write("cooperatives.csv", "id,name,region\n1,Coop,South\n");
        write("commodities.csv", "id,name\n1,Maize\n2,Beans\n");
        let head = "id,date,market_id,commodity_id,unit,price,currency,price_type,updated_at\n";
        let prices = "1,2020-01-15,2,1,KG,1.90,KES,Retail,x\n2,2020-02-15,2,1,KG,2.05,KES,Retail,x\n3,2020-02-15,1,2,KG,3.00,KES,Retail,x\n";
        write("prices.csv", &format!("{head}{prices}"));
        let head = "id,name,crop,unit,price_minor,currency,quantity,cooperative_id,region,updated_at\n";
        write("products.csv", &format!("{head}1,\"Kale grade A, Xo\",Kale,Bunch,500,KES,7,1,South,x\n"));
        let data = Dataset::ready(folder.path()).unwrap();
        assert_eq!(
            (data.regions, data.units),
            (vec!["North".into(), "South".into()], vec!["KG".into(), "Bunch".into()])
        );
        assert_eq!(data.commodities, ["Maize", "Beans", "Kale"]);
        assert_eq!(data.series.len(), 2);
        let prices: Vec<_> = data.prices.iter().map(|p| (p.series, p.month, p.price_minor)).collect();
        let of = |month| Month::new(2020, month).unwrap();
        assert_eq!(prices, [(0, of(1), 190), (0, of(2), 205), (1, of(2), 300)]);
        let product = &data.products[0];
        assert_eq!((product.commodity, product.unit, product.name.as_str()), (2, 1, "Kale grade A, Xo"));
        write("products.csv", &format!("{head}1,X,Kale,Bunch,500,KES,7,9,South,x\n"));
        assert!(Dataset::ready(folder.path()).is_err());
    }

    #[test]
    fn prices_are_exact() {
        assert_eq!(
            (minor("16.13"), minor("0.05"), minor("12.345"), minor("x.00")),
            (Some(1613), Some(5), None, None)
        );
        assert_eq!(month("2024-13-01"), None);
    }
}
