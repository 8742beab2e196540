//! Gathers rows into the columns of a statement's arrays.

/// One column.
macro_rules! column {
    ($rows:expr, $row:pat => $value:expr) => {
        $rows.iter().map(|$row| $value).collect::<Vec<_>>()
    };
}

/// The same, where a value may not fit its column.
macro_rules! fitting_column {
    ($rows:expr, $row:pat => $value:expr) => {
        $rows.iter().map(|$row| $value).collect::<Result<Vec<_>, sqlx::Error>>()?
    };
}

pub(super) use {column, fitting_column};
