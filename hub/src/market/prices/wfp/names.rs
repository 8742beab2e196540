//! Farmers' words for a commodity, and the source's number where a file gives only its English name.
//!
//! Both lists are files of the project, built in. Nothing is translated here: a commodity that is not in the list
//! has no name in that language, and the caller shows the English one. The words wait for a check by native
//! speakers (see `hub/data/README.md`).

use std::collections::HashMap;
use std::io::Read;

use csv::StringRecord;

const CROP_NAMES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/crop_names.csv"));
const COMMODITIES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/wfp_commodities.csv"));

/// A list that cannot be used. For the built-in ones a test keeps this from happening.
#[derive(Debug, thiserror::Error)]
pub enum NamesError {
    /// Not CSV with the columns that are needed.
    #[error("the list of {list} cannot be read: {source}")]
    Csv {
        /// Which list.
        list: &'static str,
        /// What is wrong with it.
        source: csv::Error,
    },
    /// A line that has no place in the list.
    #[error("line {line} of the list of {list}: {problem}")]
    Line {
        /// Which list.
        list: &'static str,
        /// Its line.
        line: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// One crop in the languages that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CropName {
    /// A stable word for it, such as `sweet_potato`.
    pub key: String,
    /// English.
    pub en: String,
    /// Swahili.
    pub sw: String,
    /// Chichewa.
    pub ny: String,
    /// French.
    pub fr: String,
    /// Where each word comes from, such as `sw:S ny:G fr:L`: S seen in a public source, L in another project's
    /// texts, G general knowledge.
    pub evidence: String,
}

/// The crops, found by the source's commodity number or by English name.
#[derive(Debug, Default)]
pub struct CropNames {
    crops: Vec<CropName>,
    by_wfp_id: HashMap<u32, usize>,
    by_english: HashMap<String, usize>,
}

impl CropNames {
    /// The built-in list.
    ///
    /// # Errors
    /// Only when the file in the project was damaged.
    pub fn built_in() -> Result<Self, NamesError> {
        Self::read(CROP_NAMES.as_bytes())
    }

    /// A list with the columns key, wfp_commodity_ids (parted by `;`), en, sw, ny, fr, evidence, in any order.
    ///
    /// # Errors
    /// When a column is missing, a number is none, or a number or English name stands there twice.
    pub fn read(source: impl Read) -> Result<Self, NamesError> {
        let mut names = Self::default();
        let columns = ["key", "wfp_commodity_ids", "en", "sw", "ny", "fr", "evidence"];
        each_line("crop names", source, columns, |line, [key, ids, en, sw, ny, fr, evidence]| {
            let place = names.crops.len();
            for id in ids.split(';').filter(|id| !id.trim().is_empty()) {
                let id = id.trim().parse().map_err(|_| line.problem("a commodity number is no number"))?;
                if names.by_wfp_id.insert(id, place).is_some() {
                    return Err(line.problem("a commodity number stands there twice"));
                }
            }
            if en.is_empty() {
                return Err(line.problem("the English name is blank"));
            }
            if names.by_english.insert(en.to_lowercase(), place).is_some() {
                return Err(line.problem("an English name stands there twice"));
            }
            let [key, en, sw, ny, fr, evidence] = [key, en, sw, ny, fr, evidence].map(String::from);
            names.crops.push(CropName { key, en, sw, ny, fr, evidence });
            Ok(())
        })?;
        Ok(names)
    }

    /// The crop that a commodity is. With a number, the number alone decides: "Beans (kidney)" has its own and is
    /// not in the list, so it is not called by the word for any bean. Without one, the English name must match
    /// whole, in any case.
    pub fn find(&self, wfp_commodity_id: Option<u32>, english: &str) -> Option<&CropName> {
        let place = match wfp_commodity_id {
            Some(id) => self.by_wfp_id.get(&id),
            None => self.by_english.get(&english.trim().to_lowercase()),
        };
        place.and_then(|&place| self.crops.get(place))
    }

    /// All crops, in the order of the list.
    pub fn all(&self) -> &[CropName] {
        &self.crops
    }
}

/// The source's numbers of commodities by their English names, for files that carry names only.
#[derive(Debug, Default)]
pub struct CommodityIds(HashMap<String, u32>);

impl CommodityIds {
    /// The built-in list: all commodities of the source, worldwide.
    ///
    /// # Errors
    /// Only when the file in the project was damaged.
    pub fn built_in() -> Result<Self, NamesError> {
        Self::read(COMMODITIES.as_bytes())
    }

    /// A list with the columns commodity_id and commodity, in any order.
    ///
    /// # Errors
    /// When a column is missing, a number is none, or a name stands there twice.
    pub fn read(source: impl Read) -> Result<Self, NamesError> {
        let mut ids = HashMap::new();
        each_line("commodities", source, ["commodity_id", "commodity"], |line, [id, name]| {
            let id = id.parse().map_err(|_| line.problem("the commodity number is no number"))?;
            match ids.insert(name.to_lowercase(), id) {
                None => Ok(()),
                Some(_) => Err(line.problem("a name stands there twice")),
            }
        })?;
        Ok(Self(ids))
    }

    /// The number of the commodity with exactly this English name, in any case.
    pub fn find(&self, english: &str) -> Option<u32> {
        self.0.get(&english.trim().to_lowercase()).copied()
    }
}

/// A line of a list, for errors.
#[derive(Clone, Copy)]
struct Line {
    list: &'static str,
    number: u64,
}

impl Line {
    fn problem(self, problem: &'static str) -> NamesError {
        NamesError::Line { list: self.list, line: self.number, problem }
    }
}

/// Calls `take` with the named columns of each line.
fn each_line<const N: usize>(
    list: &'static str,
    source: impl Read,
    columns: [&'static str; N],
    mut take: impl FnMut(Line, [&str; N]) -> Result<(), NamesError>,
) -> Result<(), NamesError> {
    let wrong = |source| NamesError::Csv { list, source };
    let mut reader = csv::Reader::from_reader(source);
    let header = reader.headers().map_err(wrong)?.clone();
    let mut places = [0; N];
    for (place, column) in places.iter_mut().zip(columns) {
        *place = header.iter().position(|name| name.trim() == column).ok_or(NamesError::Line {
            list,
            line: 1,
            problem: "a column is missing",
        })?;
    }
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(wrong)? {
        let number = record.position().map_or(0, csv::Position::line);
        take(Line { list, number }, places.map(|place| record.get(place).unwrap_or_default().trim()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(crop: Option<&CropName>) -> Option<[&str; 3]> {
        crop.map(|crop| [crop.sw.as_str(), crop.ny.as_str(), crop.fr.as_str()])
    }

    #[test]
    fn the_built_in_list_names_crops_by_number() {
        let names = CropNames::built_in().unwrap();
        assert_eq!(names.all().len(), 28);
        let maize = Some(["Mahindi", "Chimanga", "Maïs"]);
        assert_eq!(words(names.find(Some(51), "Maize")), maize);
        assert_eq!(words(names.find(Some(67), "Maize (white)")), maize);
        assert_eq!(words(names.find(None, "maize")), maize);
        assert_eq!(words(names.find(None, " SUNFLOWER ")), Some(["Alizeti", "Mpendadzuwa", "Tournesol"]));
    }

    #[test]
    fn nothing_is_translated_by_likeness() {
        let names = CropNames::built_in().unwrap();
        // The number decides, even where the name would fit.
        assert_eq!(names.find(Some(1_000_000), "Maize"), None);
        assert_eq!(names.find(None, "Maize flour"), None);
        assert_eq!(names.find(None, ""), None);
    }

    #[test]
    fn the_built_in_commodities_give_numbers_to_names() {
        let ids = CommodityIds::built_in().unwrap();
        assert_eq!(ids.find("Maize"), Some(51));
        assert_eq!(ids.find("groundnuts (shelled)"), Some(119));
        assert_eq!(ids.find("Maiz"), None);
    }

    #[test]
    fn every_number_in_the_crop_list_is_one_of_the_source() {
        let (names, ids) = (CropNames::built_in().unwrap(), CommodityIds::built_in().unwrap());
        let known: std::collections::HashSet<u32> = ids.0.values().copied().collect();
        assert!(names.by_wfp_id.keys().all(|id| known.contains(id)));
        for crop in names.all() {
            assert!(
                [&crop.key, &crop.en, &crop.sw, &crop.ny, &crop.fr].iter().all(|word| !word.is_empty()),
                "{crop:?}"
            );
        }
    }

    #[test]
    fn damaged_lists_are_refused_by_line() {
        let header = "key,wfp_commodity_ids,en,sw,ny,fr,evidence\n";
        for (lines, problem) in [
            ("maize,x,Maize,a,b,c,\n", "a commodity number is no number"),
            ("maize,1,Maize,a,b,c,\nbeans,1,Beans,a,b,c,\n", "a commodity number stands there twice"),
            ("maize,1,Maize,a,b,c,\nother,2,maize,a,b,c,\n", "an English name stands there twice"),
            ("maize,1,,a,b,c,\n", "the English name is blank"),
        ] {
            let error = CropNames::read(format!("{header}{lines}").as_bytes()).unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
        }
        assert!(CropNames::read(&b"key,en\nmaize,Maize\n"[..]).is_err());
        assert!(CropNames::read(format!("{header}short,1\n").as_bytes()).is_err());
        assert!(CommodityIds::read(&b"commodity_id,commodity\n1,A\n2,a\n"[..]).is_err());
    }
}
