//! The attributes of an `OtpDevice`: one table for filters, bodies and `/Schemas`.

use keyfob::Kind;

/// The schema of the resource.
pub const SCHEMA: &str = "urn:soffid:com.soffid.iam.addons.otp.common.OtpDevice";

/// The type of an attribute's values, which decides how a filter may compare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// Text, compared byte by byte.
    Text,
    /// An integer.
    Number,
    /// A time, in whole seconds.
    Time,
    /// The same text for every device.
    Constant(&'static str),
    /// A value that cannot be searched: it is stored encrypted, or computed.
    Opaque,
}

/// Who may write an attribute (RFC 7643 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutability {
    ReadOnly,
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// The kinds of devices that have a counter or a clock, and whose secret may come from outside.
const AUTHENTICATORS: &[Kind] = &[Kind::Totp, Kind::Hotp];

impl Mutability {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "readOnly",
            Self::ReadWrite => "readWrite",
            Self::Immutable => "immutable",
            Self::WriteOnly => "writeOnly",
        }
    }
}

macro_rules! attributes {
    ($($variant:ident $name:literal $value_type:expr, $mutability:ident, $description:literal;)*) => {
        /// An attribute of an `OtpDevice`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Attribute {
            $(#[doc = $description] $variant,)*
        }

        impl Attribute {
            /// All attributes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name. A sub-attribute has the whole path, as `meta.created`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The type of its values.
            pub const fn value_type(self) -> ValueType {
                match self { $(Self::$variant => $value_type,)* }
            }

            pub(crate) const fn mutability(self) -> Mutability {
                match self { $(Self::$variant => Mutability::$mutability,)* }
            }

            pub(crate) const fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)* }
            }
        }
    };
}

attributes! {
    Id "id" ValueType::Number, ReadOnly, "Identifies the device.";
    ExternalId "externalId" ValueType::Text, ReadWrite, "The client's name for the device.";
    Name "name" ValueType::Text, Immutable, "What people are shown: the kind and a number, a masked address, or the serial of a token. TOTP, HOTP: the serial, in a create without user or with secret.";
    Type "type" ValueType::Text, Immutable, "TOTP, HOTP, SMS, EMAIL, PIN or RECOVERY.";
    User "user" ValueType::Text, ReadWrite, "The user whose device it is. TOTP, HOTP: a device without a user has a serial as its name, and is not usable.";
    Status "status" ValueType::Text, ReadWrite, "C created, V validated, L locked, D disabled.";
    Fails "fails" ValueType::Number, ReadOnly, "Wrong answers since the last right one.";
    Created "created" ValueType::Time, ReadOnly, "When the device was enrolled.";
    LastUsed "lastUsed" ValueType::Time, ReadOnly, "When it last gave a right answer.";
    Email "email" ValueType::Text, ReadWrite, "EMAIL: where codes are sent.";
    Phone "phone" ValueType::Text, ReadWrite, "SMS: where codes are sent.";
    Pin "pin" ValueType::Opaque, WriteOnly, "PIN: its digits.";
    Secret "secret" ValueType::Opaque, WriteOnly, "TOTP, HOTP: the secret of a token, in Base32; in a create only. Without it, one is drawn.";
    Algorithm "algorithm" ValueType::Opaque, WriteOnly, "TOTP, HOTP: SHA1, SHA256 or SHA512; in a create only.";
    Digits "digits" ValueType::Opaque, WriteOnly, "TOTP, HOTP: the digits of a code, 6 to 10; in a create only.";
    Period "period" ValueType::Opaque, WriteOnly, "TOTP: the seconds of a step; in a create only.";
    Counter "counter" ValueType::Opaque, WriteOnly, "HOTP: the counter of the next code; in a create only.";
    NotBefore "notBefore" ValueType::Opaque, ReadWrite, "TOTP, HOTP: the first second in which the device is usable. Lists leave it out.";
    NotAfter "notAfter" ValueType::Opaque, ReadWrite, "TOTP, HOTP: the last second in which the device is usable. Lists leave it out.";
    Image "image" ValueType::Opaque, ReadOnly, "TOTP, HOTP: a PNG of the QR code to enrol with, in Base64; in the answer to a create only.";
    RecoveryCodeCount "recoveryCodeCount" ValueType::Opaque, WriteOnly, "RECOVERY: how many codes are made, 1 to 64; in a create and a renewal of the codes only. Without it, 10, or as many as before.";
    RecoveryCodes "recoveryCodes" ValueType::Opaque, ReadOnly, "RECOVERY: the codes; in the answers to a create and to a renewal of the codes only.";
    RecoveryCodesLeft "recoveryCodesLeft" ValueType::Opaque, ReadOnly, "RECOVERY: how many codes are not used up. Lists leave it out.";
    Schemas "schemas" ValueType::Constant(SCHEMA), ReadOnly, "The schema of the resource.";
    Meta "meta" ValueType::Opaque, ReadOnly, "About the resource.";
    ResourceType "meta.resourceType" ValueType::Constant("OtpDevice"), ReadOnly, "The type of the resource.";
    MetaCreated "meta.created" ValueType::Time, ReadOnly, "When the device was enrolled.";
    LastModified "meta.lastModified" ValueType::Time, ReadOnly, "When anything that is shown of it last changed.";
    Location "meta.location" ValueType::Opaque, ReadOnly, "The URL of the resource.";
    Links "meta.links" ValueType::Opaque, ReadOnly, "The URLs of its operations.";
}

impl Attribute {
    /// Reads the name of an attribute, in any case. The URN of the schema may be its prefix. None
    /// for an unknown name.
    pub fn parse(name: &str) -> Option<Self> {
        let name = without_urn(name);
        Self::ALL.iter().copied().find(|attribute| attribute.name().eq_ignore_ascii_case(name))
    }

    /// The attribute of a sub-attribute; for any other, itself.
    pub(crate) const fn parent(self) -> Self {
        match self {
            Self::ResourceType | Self::MetaCreated | Self::LastModified | Self::Location | Self::Links => Self::Meta,
            whole => whole,
        }
    }

    /// The kinds of devices that have it.
    pub(crate) const fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Email => &[Kind::Email],
            Self::Phone => &[Kind::Sms],
            Self::Pin => &[Kind::Pin],
            Self::Period => &[Kind::Totp],
            Self::Counter => &[Kind::Hotp],
            Self::RecoveryCodeCount | Self::RecoveryCodes | Self::RecoveryCodesLeft => &[Kind::Recovery],
            Self::Image | Self::Secret | Self::Algorithm | Self::Digits | Self::NotBefore | Self::NotAfter => AUTHENTICATORS,
            _ => &Kind::ALL,
        }
    }

    /// Whether a device of a kind that has it needs it.
    pub(crate) const fn is_needed(self) -> bool {
        matches!(self, Self::Email | Self::Phone | Self::Pin)
    }

    /// Whether a create sets it, and no other change. No response shows it but `name`.
    pub(crate) const fn is_for_create(self) -> bool {
        matches!(
            self,
            Self::Name | Self::Secret | Self::Algorithm | Self::Digits | Self::Period | Self::Counter | Self::RecoveryCodeCount
        )
    }

    /// Whether every device has it.
    pub const fn is_always_present(self) -> bool {
        matches!(
            self,
            Self::Id
                | Self::Name
                | Self::Type
                | Self::Status
                | Self::Fails
                | Self::Created
                | Self::Schemas
                | Self::Meta
                | Self::ResourceType
                | Self::MetaCreated
                | Self::LastModified
                | Self::Location
                | Self::Links
        )
    }
}

/// A name without the URN of the schema.
pub(crate) fn without_urn(name: &str) -> &str {
    let urn = name.get(..SCHEMA.len()).filter(|front| front.eq_ignore_ascii_case(SCHEMA));
    urn.and_then(|urn| name.get(urn.len()..)?.strip_prefix(':')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_with_the_urn() {
        for attribute in Attribute::ALL {
            assert_eq!(Attribute::parse(attribute.name()), Some(*attribute));
            assert_eq!(Attribute::parse(&attribute.name().to_uppercase()), Some(*attribute));
            assert_eq!(Attribute::parse(&format!("{SCHEMA}:{}", attribute.name())), Some(*attribute));
        }
        for wrong in ["", ":", "users", "urn:", SCHEMA, "urn:ietf:params:scim:schemas:core:2.0:User:name", "meta.", ".meta"] {
            assert_eq!(Attribute::parse(wrong), None, "{wrong}");
        }
    }
}
