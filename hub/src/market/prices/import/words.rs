//! The built-in lists that an import looks things up in: farmers' words for crops, the source's numbers.

use super::super::wfp::names::{CommodityIds, CropNames, NamesError};
use super::db::reference::Commodity;
use super::scan::CommodityFacts;

/// The lists, read once an import.
pub(super) struct Words {
    crops: CropNames,
    numbers: CommodityIds,
}

impl Words {
    pub(super) fn built_in() -> Result<Self, NamesError> {
        Ok(Self { crops: CropNames::built_in()?, numbers: CommodityIds::built_in()? })
    }

    /// A commodity as it is to be kept, given what a file says about it.
    pub(super) fn commodity(&self, name: &str, facts: &CommodityFacts) -> Commodity {
        let number = facts.wfp_id.or_else(|| self.numbers.find(name));
        let crop = self.crops.find(number, name);
        let word = |of: fn(&super::super::wfp::names::CropName) -> &String| {
            crop.map(of).cloned().unwrap_or_default()
        };
        Commodity {
            name: name.to_string(),
            category: facts.category.clone(),
            wfp_id: number.and_then(|number| i32::try_from(number).ok()),
            name_sw: word(|crop| &crop.sw),
            name_ny: word(|crop| &crop.ny),
            name_fr: word(|crop| &crop.fr),
            on_menus: facts.on_menus,
        }
    }
}

/// What is to be kept of a commodity that is known, given what a file says about it. The file adds: a number, words
/// that the list has by now, a place on the menus. Name and category stay as they were first, so that two countries'
/// files which differ do not change them back and forth.
pub(super) fn merge(known: &Commodity, file: &Commodity) -> Commodity {
    let word = |known: &String, file: &String| if file.is_empty() { known.clone() } else { file.clone() };
    Commodity {
        name: known.name.clone(),
        category: known.category.clone(),
        wfp_id: known.wfp_id.or(file.wfp_id),
        name_sw: word(&known.name_sw, &file.name_sw),
        name_ny: word(&known.name_ny, &file.name_ny),
        name_fr: word(&known.name_fr, &file.name_fr),
        on_menus: known.on_menus || file.on_menus,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(category: &str, wfp_id: Option<u32>, on_menus: bool) -> CommodityFacts {
        CommodityFacts { category: category.to_string(), wfp_id, on_menus }
    }

    #[test]
    fn a_commodity_gets_its_number_and_its_words() {
        let words = Words::built_in().unwrap();
        let maize = words.commodity("Maize (white)", &facts("cereals and tubers", None, true));
        assert_eq!(
            (maize.wfp_id, maize.name_sw.as_str(), maize.name_ny.as_str()),
            (Some(67), "Mahindi", "Chimanga")
        );
        let fuel = words.commodity("Fuel (diesel)", &facts("non-food", None, false));
        assert_eq!((fuel.name_sw.as_str(), fuel.on_menus), ("", false));
    }

    #[test]
    fn a_file_adds_and_takes_nothing_away() {
        let words = Words::built_in().unwrap();
        let full = words.commodity("Maize", &facts("cereals and tubers", None, true));
        let bare = Commodity {
            wfp_id: None,
            name_sw: String::new(),
            name_ny: String::new(),
            name_fr: String::new(),
            on_menus: false,
            ..full.clone()
        };
        assert_eq!(merge(&bare, &full), full);
        assert_eq!(merge(&full, &bare), full);
        let other = Commodity { category: "other".to_string(), ..full.clone() };
        assert_eq!(merge(&full, &other), full);
    }
}
