/// Declares a typed id: `typed_id!(/** doc */ OrderId, "ord");`
///
/// The type is `Copy`, sorts by time of making, reads and writes itself as text (also in JSON), and refuses ids of
/// other kinds.
#[macro_export]
macro_rules! typed_id {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($crate::reexport::Uuid);

        impl $name {
            /// The text before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The UUIDv7 within.
            pub fn uuid(self) -> $crate::reexport::Uuid {
                self.0
            }
        }

        impl From<$crate::reexport::Uuid> for $name {
            fn from(id: $crate::reexport::Uuid) -> Self {
                Self(id)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::encode($prefix, self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::decode($prefix, text).map(Self)
            }
        }

        impl $crate::reexport::serde::Serialize for $name {
            fn serialize<S: $crate::reexport::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> $crate::reexport::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::reexport::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as $crate::reexport::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err($crate::reexport::serde::de::Error::custom)
            }
        }

        impl $crate::reexport::schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut $crate::reexport::schemars::SchemaGenerator) -> $crate::reexport::schemars::Schema {
                $crate::reexport::schemars::json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "_[0-9a-hjkmnp-tv-z]{26}$")
                })
            }

            fn inline_schema() -> bool {
                true
            }
        }
    };
}
