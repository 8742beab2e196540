//! A value with the name of the file that holds its bytes, and both ways between them.

use sync_protocol::bucket::CountryCode;
use sync_protocol::market::{self, Body, Entity, RawBody};
use sync_protocol::row::{Row, RowHash};
use sync_protocol::units::Currency;
use sync_protocol::value::Fields;
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::Message;
use uuid::Uuid;

/// One kept thing.
pub(crate) struct Sample {
    /// The file's name without its ending.
    pub(crate) name: String,
    /// What its bytes stand for.
    pub(crate) value: Value,
}

/// What travels.
#[derive(Debug, PartialEq)]
pub(crate) enum Value {
    /// A whole frame.
    Message(Message),
    /// A command's body, by its type's number.
    Command(Body),
    /// A row's canonical payload; the number of its entity.
    Fields(u16, Fields),
    /// A row's hash, which both sides have to find the same.
    Hash(RowHash),
}

fn named(kind: &str, name: &str, form: &str) -> String {
    let form = if form.is_empty() { String::new() } else { format!("_{form}") };
    format!("{kind}_{}{form}", name.replace('.', "_"))
}

impl Sample {
    pub(crate) fn message(name: &str, message: Message) -> Self {
        Self { name: named("message", name, ""), value: Value::Message(message) }
    }

    /// `form` tells several samples of one command apart.
    pub(crate) fn command(form: &str, body: Body) -> Self {
        let name = market::command_name(body.kind()).unwrap();
        Self { name: named("command", name, form), value: Value::Command(body) }
    }

    /// The payload and the hash. `form` tells several samples of one entity apart.
    pub(crate) fn entity(form: &str, row: Row) -> [Self; 2] {
        let name = named("entity", market::entity_name(row.entity).unwrap(), form);
        let fields = row.body.unwrap();
        let hash = RowHash::of(row.entity, row.key, row.version, fields.canonical());
        [
            Self { name: format!("{name}_hash"), value: Value::Hash(hash) },
            Self { name, value: Value::Fields(row.entity, fields) },
        ]
    }
}

impl Value {
    /// As it travels.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Message(message) => message.to_bytes(),
            Self::Command(body) => body.to_raw().bytes,
            Self::Fields(_, fields) => fields.canonical().to_vec(),
            Self::Hash(hash) => hash.0.to_le_bytes().to_vec(),
        }
    }

    /// What bytes of this kind stand for.
    pub(crate) fn read_alike(&self, bytes: &[u8]) -> Self {
        match self {
            Self::Message(_) => Self::Message(read(bytes)),
            Self::Command(body) => {
                let raw = RawBody { kind: body.kind(), bytes: bytes.to_vec() };
                Self::Command(Body::from_raw(&raw).unwrap().unwrap())
            }
            Self::Fields(entity, _) => Self::Fields(*entity, Fields::from_canonical(bytes).unwrap()),
            Self::Hash(_) => Self::Hash(RowHash(u128::from_le_bytes(bytes.try_into().unwrap()))),
        }
    }
}

/// The message in one whole frame.
pub(crate) fn read(bytes: &[u8]) -> Message {
    let mut reader = FrameReader::default();
    reader.push(bytes);
    let frame = reader.next_frame().unwrap().unwrap();
    reader.finish().unwrap();
    Message::from_frame(&frame).unwrap()
}

/// A row with everything that the entity says, and nothing that it does not understand itself.
pub(crate) fn row<E: Entity + PartialEq>(entity: &E) -> Row {
    let fields = entity.to_fields();
    assert!(E::from_fields(entity.key(), &fields).is_ok_and(|again| again == *entity), "{}", E::NAME);
    Row { entity: E::NUMBER, key: entity.key(), version: 7, body: Some(fields) }
}

pub(crate) fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + n)
}

pub(crate) fn mwk() -> Currency {
    Currency::new("MWK").unwrap()
}

pub(crate) fn mwi() -> CountryCode {
    CountryCode::new("MWI").unwrap()
}
