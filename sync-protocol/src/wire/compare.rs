//! Bytes of what both sides compare: an edge's scope, the points at which its buckets stand, the sums of slots that find a
//! difference. Varints and fixed numbers; what a newer writer puts behind them is passed over.

use super::message::{Audit, BucketPoint, SlotSums, Welcome};
use super::rows::{read_bucket, write_bucket};
use crate::bytes::{Reader, WireError, Writer};
use crate::limits::SCOPE_BUCKETS_MAX;

fn count(input: &mut Reader<'_>, limit: usize, what: &'static str) -> Result<usize, WireError> {
    let size = input.varint()?;
    if size > limit as u64 {
        return Err(WireError::TooLarge { what, size, limit: limit as u64 });
    }
    Ok(size as usize)
}

/// The epoch, and the buckets of the scope.
pub(super) fn welcome_to_bytes(welcome: &Welcome) -> Vec<u8> {
    let mut out = Writer::default();
    out.varint(welcome.epoch.into());
    out.varint(welcome.scope.len() as u64);
    welcome.scope.iter().for_each(|bucket| write_bucket(&mut out, *bucket));
    out.into_bytes()
}

/// The inverse of [`welcome_to_bytes`].
pub(super) fn read_welcome(input: &mut Reader<'_>) -> Result<Welcome, WireError> {
    let epoch = input.varint32()?;
    let n = count(input, SCOPE_BUCKETS_MAX, "scope")?;
    let scope = (0..n).map(|_| read_bucket(input)).collect::<Result<_, _>>()?;
    Ok(Welcome { epoch, scope })
}

/// Buckets with their heads and the sums of their entities.
pub(super) fn points_to_bytes(points: &[BucketPoint]) -> Vec<u8> {
    let mut out = Writer::default();
    out.varint(points.len() as u64);
    for point in points {
        write_bucket(&mut out, point.bucket);
        out.varint(point.head);
        out.varint(point.sums.len() as u64);
        for (entity, sum) in &point.sums {
            out.varint((*entity).into());
            out.raw(&sum.to_le_bytes());
        }
    }
    out.into_bytes()
}

/// The inverse of [`points_to_bytes`].
pub(super) fn read_points(input: &mut Reader<'_>) -> Result<Vec<BucketPoint>, WireError> {
    let n = count(input, SCOPE_BUCKETS_MAX, "bucket count")?;
    let mut points = Vec::with_capacity(n);
    for _ in 0..n {
        let (bucket, head) = (read_bucket(input)?, input.varint()?);
        let mut sums = Vec::new();
        for _ in 0..count(input, usize::from(u16::MAX), "entity count")? {
            let entity = u16::try_from(input.varint()?).map_err(|_| WireError::Malformed("entity number"))?;
            sums.push((entity, u64::from_le_bytes(input.array()?)));
        }
        points.push(BucketPoint { bucket, head, sums });
    }
    Ok(points)
}

/// The place that is asked about.
pub(super) fn audit_to_bytes(audit: &Audit) -> Writer {
    let mut out = Writer::default();
    write_bucket(&mut out, audit.bucket);
    out.varint(audit.entity.into());
    out.bytes(&audit.slot);
    out
}

/// The inverse of [`audit_to_bytes`].
pub(super) fn read_audit(input: &mut Reader<'_>) -> Result<Audit, WireError> {
    let bucket = read_bucket(input)?;
    let entity = u16::try_from(input.varint()?).map_err(|_| WireError::Malformed("entity number"))?;
    let slot = input.bytes()?;
    if slot.len() > 2 {
        return Err(WireError::Malformed("slot"));
    }
    Ok(Audit { bucket, entity, slot: slot.to_vec() })
}

/// The place that was asked about, its head, and 256 sums.
pub(super) fn slot_sums_to_bytes(sums: &SlotSums) -> Vec<u8> {
    let mut out = audit_to_bytes(&sums.of);
    out.varint(sums.head);
    sums.sums.iter().for_each(|sum| out.raw(&sum.to_le_bytes()));
    out.into_bytes()
}

/// The inverse of [`slot_sums_to_bytes`].
pub(super) fn read_slot_sums(input: &mut Reader<'_>) -> Result<SlotSums, WireError> {
    let (of, head) = (read_audit(input)?, input.varint()?);
    let sums = (0..256).map(|_| input.array().map(u64::from_le_bytes)).collect::<Result<_, _>>()?;
    Ok(SlotSums { of, head, sums })
}
