//! A small REST client: the same for the hub and for the office, as their APIs are.

use crate::answer::text;
use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A person at one of the two APIs.
pub struct Api {
    base: String,
    client: reqwest::Client,
    session: Option<Arc<Session>>,
}

/// What somebody shows of themselves.
struct Session {
    token: Mutex<String>,
    /// With what the hub gives another token when that one is over. Held by whoever asks for it.
    refresh: Option<tokio::sync::Mutex<String>>,
}

impl Session {
    fn token(&self) -> MutexGuard<'_, String> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Api {
    /// Nobody in particular, at host and port.
    pub fn at(address: &str) -> Self {
        Self { base: format!("http://{address}/api/v1"), client: reqwest::Client::new(), session: None }
    }

    /// Somebody signed in at an office.
    pub fn signed_in(address: &str, token: &str) -> Self {
        let session = Session { token: Mutex::new(token.to_owned()), refresh: None };
        Self { session: Some(Arc::new(session)), ..Self::at(address) }
    }

    /// Somebody who signs in at a hub, and stays so however long it takes.
    ///
    /// # Errors
    /// When the hub does not let them in.
    pub async fn sign_in(address: &str, phone: &str, password: &str) -> Result<Self> {
        let login = json!({"phone": phone, "password": password});
        let tokens = Self::at(address).post("/auth/login", login, None).await?;
        let refresh = tokio::sync::Mutex::new(text(&tokens, "refresh_token")?.to_owned());
        let session =
            Session { token: Mutex::new(text(&tokens, "access_token")?.to_owned()), refresh: Some(refresh) };
        Ok(Self { session: Some(Arc::new(session)), ..Self::at(address) })
    }

    /// The same person on a connection of their own.
    pub fn again(&self) -> Self {
        Self { base: self.base.clone(), client: reqwest::Client::new(), session: self.session.clone() }
    }

    /// The same person at another hub of the same database.
    pub fn elsewhere(&self, address: &str) -> Self {
        Self { session: self.session.clone(), ..Self::at(address) }
    }

    /// The token, for printing.
    pub fn token(&self) -> String {
        self.session.as_ref().map(|session| session.token().clone()).unwrap_or_default()
    }

    /// Any request; gives status and body. A token that is over is renewed, and the request sent again: nothing was done for it.
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
        let token = self.token();
        let answer = self.send_once(method.clone(), path, body.clone(), key, &token).await?;
        let is_over = answer.0 == StatusCode::UNAUTHORIZED && answer.1["code"] == "token_expired";
        match self.session.as_ref().and_then(|session| Some((session, session.refresh.as_ref()?))) {
            Some((session, refresh)) if is_over => {
                let mut refresh = refresh.lock().await;
                // Another may have renewed it meanwhile.
                if *session.token() == token {
                    let asked = Some(json!({"refresh_token": *refresh}));
                    let renewed = self.send_once(Method::POST, "/auth/refresh", asked, None, "").await?;
                    let (StatusCode::OK, tokens) = renewed else { return Ok(renewed) };
                    text(&tokens, "refresh_token")?.clone_into(&mut refresh);
                    text(&tokens, "access_token")?.clone_into(&mut session.token());
                }
                let token = self.token();
                self.send_once(method, path, body, key, &token).await
            }
            _ => Ok(answer),
        }
    }

    async fn send_once(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: Option<&str>,
        token: &str,
    ) -> Result<(StatusCode, Value)> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if !token.is_empty() {
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
