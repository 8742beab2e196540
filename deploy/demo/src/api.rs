//! A small REST client: the same for the hub and for the office, as their APIs are.

use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// A person at one of the two APIs.
pub struct Api {
    base: String,
    client: reqwest::Client,
    token: Option<String>,
}

impl Api {
    /// Nobody in particular, at host and port.
    pub fn at(address: &str) -> Self {
        Self { base: format!("http://{address}/api/v1"), client: reqwest::Client::new(), token: None }
    }

    /// Somebody signed in.
    pub fn signed_in(address: &str, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::at(address) }
    }

    /// The same person on a connection of their own.
    pub fn again(&self) -> Self {
        Self { base: self.base.clone(), client: reqwest::Client::new(), token: self.token.clone() }
    }

    /// The token, for printing.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Any request; gives status and body.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: Option<&str>,
    ) -> Result<(StatusCode, Value)> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.with_context(|| format!("{path} does not answer"))?;
        let status = answer.status();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// A GET that has to succeed.
    ///
    /// # Errors
    /// When there is no answer, or it is no success.
    pub async fn get(&self, path: &str) -> Result<Value> {
        match self.send(Method::GET, path, None, None).await? {
            (status, body) if status.is_success() => Ok(body),
            (status, body) => bail!("GET {path}: {status} {body}"),
        }
    }

    /// A POST that has to succeed.
    ///
    /// # Errors
    /// When there is no answer, or it is no success.
    pub async fn post(&self, path: &str, body: Value, key: Option<&str>) -> Result<Value> {
        match self.send(Method::POST, path, Some(body), key).await? {
            (status, body) if status.is_success() => Ok(body),
            (status, body) => bail!("POST {path}: {status} {body}"),
        }
    }
}
