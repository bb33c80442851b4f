//! Reads `text/event-stream`.

/// An event may not be larger than this: what does not end would fill the memory.
const MAX_EVENT: usize = 4 * 1024 * 1024;

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: String,
}

/// Takes bytes as they come and gives whole events.
#[derive(Debug, Default)]
pub(crate) struct EventParser {
    buffer: Vec<u8>,
}

/// The event in the buffer does not end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl EventParser {
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        // Carriage returns count only as part of line ends here; JSON never holds a bare one.
        self.buffer.extend(bytes.iter().copied().filter(|b| *b != b'\r'));
        if self.buffer.len() > MAX_EVENT { Err(TooLarge) } else { Ok(()) }
    }

    pub(crate) fn next(&mut self) -> Option<Event> {
        let end = self.buffer.windows(2).position(|w| w == b"\n\n")?;
        let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
        let mut event = Event::default();
        for line in String::from_utf8_lossy(&block).lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => event.name = value.to_owned(),
                "data" => {
                    if !event.data.is_empty() {
                        event.data.push('\n');
                    }
                    event.data.push_str(value);
                }
                _ => {}
            }
        }
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_however_the_bytes_arrive() {
        let text = b"event: next\r\ndata: {\"a\":1}\r\n\r\n:\n\nevent: complete\ndata\n\n";
        let mut parser = EventParser::default();
        let mut found = vec![];
        for byte in text {
            parser.push(&[*byte]).unwrap();
            found.extend(std::iter::from_fn(|| parser.next()));
        }
        let event = |name: &str, data: &str| Event { name: name.into(), data: data.into() };
        assert_eq!(found, [event("next", "{\"a\":1}"), event("", ""), event("complete", "")]);
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut parser = EventParser::default();
        assert_eq!(parser.push(&vec![b'x'; MAX_EVENT + 1]), Err(TooLarge));
    }
}
