//! The form in which an offer travels between people: a URI, and a file that holds the URI.
//!
//! `kofo:offer1` and then the base64url (RFC 4648 §5, no padding) of the canonical encoding of the signed offer. One
//! offer has one text. The file is the URI on one line and nothing else: a comment in it would not be signed, and a
//! person would believe it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kofo_primitives::{CodecError, Offer, OrderError, Signed, decode, encode};

/// How every offer begins; the 1 is the version of this form.
pub const PREFIX: &str = "kofo:offer1";
/// A signed offer in this form has at most so many bytes before base64.
pub const MAX_OFFER_BYTES: usize = 4096;
/// And so many characters after it, white space around it included.
pub const MAX_TEXT: usize = 6 * 1024;

/// Why a text is no offer, or an offer has no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Something else.
    #[error("expected a text that begins with {PREFIX}, got {got:?}: copy the whole of it")]
    Prefix {
        /// How it begins.
        got: String,
    },
    /// Longer than an offer can be, or an offer of too many legs to pass around by hand.
    #[error("the offer has {have} bytes, expected at most {most}: swap fewer assets at once")]
    Oversized {
        /// Its length.
        have: usize,
        /// The bound.
        most: usize,
    },
    /// A character that is not of base64url, or one that is missing.
    #[error("the text is damaged behind {PREFIX}: {why}; copy the whole of it again")]
    Damaged {
        /// What is wrong with it.
        why: String,
    },
    /// Not the canonical encoding of a signed offer.
    #[error("the text holds no offer: {0}; copy the whole of it again, or ask for a new one")]
    Malformed(#[from] CodecError),
    /// An offer that is wrong by itself: altered after it was signed, above all.
    #[error("the offer is not right: {0}")]
    Offer(#[from] OrderError),
}

/// The offer as a URI.
pub fn to_uri(offer: &Signed<Offer>) -> Result<String, TextError> {
    let bytes = encode(offer);
    bounded(bytes.len(), MAX_OFFER_BYTES)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// The offer as the content of a file.
pub fn to_file(offer: &Signed<Offer>) -> Result<String, TextError> {
    to_uri(offer).map(|uri| uri + "\n")
}

/// Reads an offer from its URI or the content of its file, white space around it allowed. What comes out is right by
/// itself (signature, legs, fee); whether it is right now is [`crate::acceptable`]'s to say.
pub fn from_text(text: &str) -> Result<Signed<Offer>, TextError> {
    bounded(text.len(), MAX_TEXT)?;
    let text = text.trim_ascii();
    let Some(body) = text.strip_prefix(PREFIX) else {
        return Err(TextError::Prefix {
            got: text.chars().take(24).collect(),
        });
    };
    let damaged = |e: base64::DecodeError| TextError::Damaged { why: e.to_string() };
    let bytes = URL_SAFE_NO_PAD.decode(body).map_err(damaged)?;
    bounded(bytes.len(), MAX_OFFER_BYTES)?;
    let offer: Signed<Offer> = decode(&bytes)?;
    offer.check()?;
    Ok(offer)
}

fn bounded(have: usize, most: usize) -> Result<(), TextError> {
    if have > most {
        return Err(TextError::Oversized { have, most });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
