//! Messages of the management controller (IPMI 2.0, and DCMI 1.5 for its power), read from their bytes.

pub(crate) mod device;
mod sdr;

use std::time::{Duration, Instant};

use crate::out_of_band::{IpmiRequest, Outside};
use crate::sysfs::{Found, Unavailable};

pub use sdr::{Conversion, Entity, SensorRecord};

const APPLICATION: u8 = 0x06;
const SENSOR: u8 = 0x04;
const STORAGE: u8 = 0x0A;
const GROUP: u8 = 0x2C;
/// The group that DCMI's commands name themselves by.
const DCMI: u8 = 0xDC;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trouble {
    /// The controller could not be asked.
    Unasked(Unavailable),
    /// It answered with this completion code.
    Refused(u8),
}

impl From<Trouble> for Unavailable {
    fn from(trouble: Trouble) -> Unavailable {
        match trouble {
            Trouble::Unasked(lack) => lack,
            // Commands that a controller does not know (IPMI 2.0, table 5-2).
            Trouble::Refused(0xC1 | 0xC2) => Unavailable::Absent,
            Trouble::Refused(code) => {
                Unavailable::failed(format!("the controller answered with completion code {code:#04x}"))
            }
        }
    }
}

/// Asks, and returns what follows the completion code.
fn ask(outside: &dyn Outside, request: &IpmiRequest) -> Result<Vec<u8>, Trouble> {
    let answer = outside.ipmi(request).map_err(Trouble::Unasked)?;
    match answer.split_first() {
        Some((0, data)) => Ok(data.to_vec()),
        Some((code, _)) => Err(Trouble::Refused(*code)),
        None => Err(Trouble::Unasked(Unavailable::failed("the controller's answer is empty"))),
    }
}

/// What a controller says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceId {
    /// Version of its firmware.
    pub firmware: String,
    /// Version of IPMI that it speaks.
    pub ipmi: String,
}

impl DeviceId {
    /// Reads the answer to Get Device ID (IPMI 2.0, 20.1) behind its completion code.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<DeviceId> {
        let &[_, _, major, minor, version, ..] = data else { return None };
        Some(DeviceId {
            // The upper bit says that an update goes on; the minor revision is in decimal digits (BCD).
            firmware: format!("{}.{minor:02x}", major & 0x7F),
            // The lower half is the major version: 51h is 1.5.
            ipmi: format!("{}.{}", version & 0x0F, version >> 4),
        })
    }
}

/// Power in watts in the answer to DCMI's Get Power Reading (DCMI 1.5, 6.6.1) behind its completion code; nothing
/// where the controller does not measure now.
#[must_use]
pub fn power_reading(data: &[u8]) -> Option<f64> {
    /// Bit 6 of the state: the measurement is active.
    const ACTIVE: u8 = 1 << 6;
    let data = data.get(..18)?;
    (data[0] == DCMI && data[17] & ACTIVE != 0).then(|| f64::from(u16::from_le_bytes([data[1], data[2]])))
}

/// A sensor's reading as it is sent (IPMI 2.0, 35.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawReading {
    /// The analog value, to be converted by the sensor's record.
    pub value: u8,
    /// The states of a discrete sensor: bit n is state n.
    pub states: u16,
}

impl RawReading {
    /// Reads the answer to Get Sensor Reading behind its completion code; nothing where the sensor is not read now.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<RawReading> {
        let &[value, flags, ref states @ ..] = data else { return None };
        let (scanning, unavailable) = (flags & (1 << 6) != 0, flags & (1 << 5) != 0);
        let at = |at: usize| u16::from(states.get(at).copied().unwrap_or_default());
        // The upper bit of the second byte is reserved and reads as one.
        (scanning && !unavailable).then_some(RawReading { value, states: at(0) | ((at(1) & 0x7F) << 8) })
    }
}

/// The lower critical threshold in the answer to Get Sensor Thresholds (IPMI 2.0, 35.9) behind its completion code, as it is sent;
/// nothing where the sensor has none that can be read.
fn lower_critical(data: &[u8]) -> Option<u8> {
    /// Bit 1 of the mask: this threshold can be read.
    const READABLE: u8 = 1 << 1;
    let &[mask, _, critical, ..] = data else { return None };
    (mask & READABLE != 0).then_some(critical)
}

/// What the controller says of itself.
pub(crate) fn device_id(outside: &dyn Outside) -> Found<DeviceId> {
    let data = ask(outside, &IpmiRequest::new(APPLICATION, 0x01, &[]))?;
    DeviceId::parse(&data).ok_or_else(|| Unavailable::failed("the controller's identity is too short"))
}

/// The power in watts that the whole host draws now (DCMI).
pub(crate) fn host_power(outside: &dyn Outside) -> Found<f64> {
    // System power statistics.
    let data = ask(outside, &IpmiRequest::new(GROUP, 0x02, &[DCMI, 0x01, 0, 0]))?;
    power_reading(&data).ok_or_else(|| Unavailable::failed("the controller does not measure power now"))
}

/// A sensor's reading; nothing where it is not read now.
pub(crate) fn reading(outside: &dyn Outside, sensor: &SensorRecord) -> Option<RawReading> {
    answer(outside, sensor).ok().flatten()
}

/// What the controller answers of a sensor: its reading, or that it has none now.
pub(crate) fn answer(outside: &dyn Outside, sensor: &SensorRecord) -> Found<Option<RawReading>> {
    let request = IpmiRequest { lun: sensor.lun, ..IpmiRequest::new(SENSOR, 0x2D, &[sensor.number]) };
    Ok(RawReading::parse(&ask(outside, &request)?))
}

/// The lower critical threshold of a sensor, as it is sent.
pub(crate) fn threshold(outside: &dyn Outside, sensor: &SensorRecord) -> Option<u8> {
    let request = IpmiRequest { lun: sensor.lun, ..IpmiRequest::new(SENSOR, 0x27, &[sensor.number]) };
    lower_critical(&ask(outside, &request).ok()?)
}

/// The list of sensors, and whether it is whole: a slow controller is left in its middle.
pub(crate) struct Repository {
    /// The records that were read.
    pub(crate) sensors: Vec<SensorRecord>,
    /// Whether the controller's list ended before our patience did.
    pub(crate) whole: bool,
}

/// Reads the repository of sensor records (IPMI 2.0, chapter 33) for at most this long.
pub(crate) fn repository(outside: &dyn Outside, patience: Duration) -> Found<Repository> {
    /// No controller has as many records; a list that leads in a circle ends here.
    const MOST: usize = 2048;
    let deadline = Instant::now() + patience;
    let mut reader = Reader { outside, reservation: reserve(outside)?, chunk: WHOLE };
    let mut found = Repository { sensors: Vec::new(), whole: false };
    let mut next = 0;
    for _ in 0..MOST {
        let (record, after) = match reader.record(next) {
            Ok(read) => read,
            Err(trouble) if found.sensors.is_empty() => return Err(trouble.into()),
            Err(_) => return Ok(found),
        };
        found.sensors.extend(SensorRecord::parse(&record));
        found.whole = after == LAST;
        if found.whole || Instant::now() > deadline {
            break;
        }
        next = after;
    }
    Ok(found)
}

/// The id that stands behind the last record.
const LAST: u16 = 0xFFFF;
/// Asks for a record in one piece.
const WHOLE: u8 = 0xFF;
/// What every controller can send in one piece.
const PIECE: u8 = 16;
/// The completion code for more bytes than a controller sends in one answer (table 5-2); some say 0xC8 or 0xFF.
const TOO_MUCH: u8 = 0xCA;
/// Bytes before a record's body; the last of them is the body's length.
const HEADER: usize = 5;

fn reserve(outside: &dyn Outside) -> Result<[u8; 2], Trouble> {
    let data = ask(outside, &IpmiRequest::new(STORAGE, 0x22, &[]))?;
    match data.as_slice() {
        &[low, high, ..] => Ok([low, high]),
        _ => Err(Trouble::Unasked(Unavailable::failed("the controller's reservation is too short"))),
    }
}

struct Reader<'a> {
    outside: &'a dyn Outside,
    /// Pieces of a record belong together by it; another reader's takes it away.
    reservation: [u8; 2],
    chunk: u8,
}

impl Reader<'_> {
    /// A record, and the id of the next one.
    fn record(&mut self, id: u16) -> Result<(Vec<u8>, u16), Trouble> {
        for _ in 0..3 {
            match self.pieces(id) {
                Err(Trouble::Refused(0xC8 | TOO_MUCH | 0xFF)) if self.chunk == WHOLE => self.chunk = PIECE,
                // The reservation was cancelled.
                Err(Trouble::Refused(0xC5)) => self.reservation = reserve(self.outside)?,
                answer => return answer,
            }
        }
        Err(Trouble::Refused(0xC5))
    }

    fn pieces(&self, id: u16) -> Result<(Vec<u8>, u16), Trouble> {
        let length = |record: &[u8]| HEADER + usize::from(record.get(HEADER - 1).copied().unwrap_or_default());
        if self.chunk == WHOLE {
            let (record, next) = self.piece(id, 0, WHOLE)?;
            let is_whole = record.len() >= length(&record);
            return if is_whole { Ok((record, next)) } else { Err(Trouble::Refused(TOO_MUCH)) };
        }
        let (mut record, next) = self.piece(id, 0, 5)?;
        let length = length(&record);
        while record.len() < length {
            let (Ok(at), Ok(left)) = (u8::try_from(record.len()), u8::try_from(length - record.len())) else { break };
            let (piece, _) = self.piece(id, at, left.min(self.chunk))?;
            if piece.is_empty() {
                break;
            }
            record.extend(piece);
        }
        Ok((record, next))
    }

    /// Get SDR (IPMI 2.0, 33.12).
    fn piece(&self, id: u16, at: u8, length: u8) -> Result<(Vec<u8>, u16), Trouble> {
        let ([r0, r1], [i0, i1]) = (self.reservation, id.to_le_bytes());
        let data = ask(self.outside, &IpmiRequest::new(STORAGE, 0x23, &[r0, r1, i0, i1, at, length]))?;
        match data.as_slice() {
            &[low, high, ref record @ ..] => Ok((record.to_vec(), u16::from_le_bytes([low, high]))),
            _ => Err(Trouble::Unasked(Unavailable::failed("the controller's record is too short"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_controller_tells_its_versions() {
        let check = |data: &[u8], expect: Option<(&str, &str)>| {
            let found = DeviceId::parse(data);
            assert_eq!(found.as_ref().map(|id| (id.firmware.as_str(), id.ipmi.as_str())), expect, "{data:02x?}");
        };
        // The versions of IPMI are the examples of 20.1: 51h is 1.5, 02h is 2.0.
        check(&[0x20, 0x01, 0x01, 0x73, 0x02, 0xBF, 0x7C, 0x2A, 0x00], Some(("1.73", "2.0")));
        check(&[0x20, 0x01, 0x81, 0x02, 0x51, 0xBF], Some(("1.02", "1.5")));
        check(&[0x20, 0x01, 0x01, 0x73], None);
        check(&[], None);
    }

    #[test]
    fn power_is_told_only_while_it_is_measured() {
        let answer = |watts: u16, state: u8| {
            let mut data = vec![0xDC];
            data.extend(watts.to_le_bytes());
            data.extend([0; 14]);
            data.push(state);
            data
        };
        assert_eq!(power_reading(&answer(451, 0x40)), Some(451.0));
        assert_eq!(power_reading(&answer(3800, 0x40)), Some(3800.0));
        assert_eq!(power_reading(&answer(451, 0)), None);
        assert_eq!(power_reading(&answer(451, 0x40)[..17]), None);
    }

    #[test]
    fn a_reading_counts_while_its_sensor_is_scanned() {
        let check = |data: &[u8], expect: Option<(u8, u16)>| {
            assert_eq!(RawReading::parse(data).map(|raw| (raw.value, raw.states)), expect, "{data:02x?}");
        };
        check(&[0x1E, 0xC0, 0xC0], Some((0x1E, 0xC0)));
        check(&[0x00, 0xC0, 0x01, 0x80], Some((0, 1)));
        check(&[0x00, 0xC0, 0x00, 0x81], Some((0, 0x100)));
        check(&[0x1E, 0x80, 0xC0], None);
        check(&[0x1E, 0xE0, 0xC0], None);
        check(&[0x1E], None);
    }

    #[test]
    fn a_threshold_is_one_where_it_can_be_read() {
        assert_eq!(lower_critical(&[0x1B, 9, 5, 3, 0, 200, 220]), Some(5));
        assert_eq!(lower_critical(&[0x39, 9, 5, 3, 0, 200, 220]), None);
        assert_eq!(lower_critical(&[0x02, 9]), None);
    }

    proptest! {
        #[test]
        fn any_answer_is_read(data in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = (DeviceId::parse(&data), power_reading(&data), RawReading::parse(&data), SensorRecord::parse(&data));
            let _ = lower_critical(&data);
        }
    }
}
