//! What a node answers when it is asked whether it runs, or can serve. When it can is for the node to say.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// That the node runs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    pub status: String,
}

impl Health {
    /// The one answer there is.
    pub fn ok() -> Json<Self> {
        Json(Self { status: "ok".to_owned() })
    }
}
