//! What the sample retailer sells: a table of leaf categories, from which products are made deterministically.

/// How a category's variants differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// Colour and clothing size.
    ColourSize,
    /// Colour and shoe size.
    ColourShoe,
    /// Colour only.
    Colour,
    /// Amount in the pack.
    Pack,
    /// One variant.
    Single,
}

/// A leaf category and how its products are made.
pub(crate) struct Leaf {
    /// Department, then group, then leaf: slug, English and German name.
    pub(crate) path: [(&'static str, &'static str, &'static str); 3],
    /// Beginning of the SKUs.
    pub(crate) code: &'static str,
    /// What it is: English and German, with the German article's ending of adjectives left to compound names.
    pub(crate) nouns: &'static [(&'static str, &'static str)],
    /// Least and greatest price in euro cents, gross.
    pub(crate) cents: (i64, i64),
    /// Grams of one unit.
    pub(crate) grams: u32,
    /// How variants differ.
    pub(crate) range: Range,
    /// Class of goods for tax.
    pub(crate) tax: &'static str,
}

const CLOTHING: (&str, &str, &str) = ("clothing", "Clothing", "Kleidung");
const WOMEN: (&str, &str, &str) = ("women", "Women", "Damen");
const MEN: (&str, &str, &str) = ("men", "Men", "Herren");
const KIDS: (&str, &str, &str) = ("kids", "Kids", "Kinder");
const SHOES: (&str, &str, &str) = ("shoes", "Shoes", "Schuhe");
const HOME: (&str, &str, &str) = ("home", "Home", "Wohnen");
const KITCHEN: (&str, &str, &str) = ("kitchen", "Kitchen", "Küche");
const BEDROOM: (&str, &str, &str) = ("bedroom", "Bedroom", "Schlafzimmer");
const LIVING: (&str, &str, &str) = ("living-room", "Living room", "Wohnzimmer");
const OUTDOOR: (&str, &str, &str) = ("outdoor", "Outdoor", "Outdoor");
const HIKING: (&str, &str, &str) = ("hiking", "Hiking", "Wandern");
const CYCLING: (&str, &str, &str) = ("cycling", "Cycling", "Radfahren");
const PANTRY: (&str, &str, &str) = ("pantry", "Pantry", "Vorrat");
const DRINKS: (&str, &str, &str) = ("drinks", "Drinks", "Getränke");
const SWEETS: (&str, &str, &str) = ("sweets", "Sweets", "Süßes");
const STUDY: (&str, &str, &str) = ("paper-and-play", "Paper and play", "Papier und Spiel");
const STATIONERY: (&str, &str, &str) = ("stationery", "Stationery", "Schreibwaren");
const TOYS: (&str, &str, &str) = ("toys", "Toys", "Spielzeug");

macro_rules! leaves {
    ($([$a:expr, $b:expr, $slug:literal, $en:literal, $de:literal, $code:literal, ($lo:literal, $hi:literal), $grams:literal, $range:ident, $tax:literal, [$($ne:literal / $nd:literal),+]]),+ $(,)?) => {
        &[$(Leaf {
            path: [$a, $b, ($slug, $en, $de)],
            code: $code,
            nouns: &[$(($ne, $nd)),+],
            cents: ($lo, $hi),
            grams: $grams,
            range: Range::$range,
            tax: $tax,
        }),+]
    };
}

/// Every leaf category.
pub(crate) const LEAVES: &[Leaf] = leaves![
    [
        CLOTHING,
        WOMEN,
        "womens-t-shirts",
        "T-shirts",
        "T-Shirts",
        "WTS",
        (1490, 3990),
        160,
        ColourSize,
        "standard",
        ["T-shirt" / "T-Shirt", "Long-sleeved T-shirt" / "Langarmshirt", "Tank top" / "Top"]
    ],
    [
        CLOTHING,
        WOMEN,
        "womens-knitwear",
        "Knitwear",
        "Strick",
        "WKN",
        (3990, 12990),
        420,
        ColourSize,
        "standard",
        ["Jumper" / "Pullover", "Cardigan" / "Strickjacke", "Roll-neck" / "Rollkragenpullover"]
    ],
    [
        CLOTHING,
        WOMEN,
        "dresses",
        "Dresses",
        "Kleider",
        "WDR",
        (3990, 15990),
        380,
        ColourSize,
        "standard",
        ["Shirt dress" / "Hemdblusenkleid", "Midi dress" / "Midikleid", "Pinafore dress" / "Trägerkleid"]
    ],
    [
        CLOTHING,
        WOMEN,
        "womens-jackets",
        "Jackets",
        "Jacken",
        "WJA",
        (5990, 24990),
        900,
        ColourSize,
        "standard",
        ["Rain jacket" / "Regenjacke", "Denim jacket" / "Jeansjacke", "Wool coat" / "Wollmantel"]
    ],
    [
        CLOTHING,
        MEN,
        "mens-shirts",
        "Shirts",
        "Hemden",
        "MSH",
        (2990, 8990),
        240,
        ColourSize,
        "standard",
        ["Oxford shirt" / "Oxfordhemd", "Linen shirt" / "Leinenhemd", "Flannel shirt" / "Flanellhemd"]
    ],
    [
        CLOTHING,
        MEN,
        "mens-knitwear",
        "Knitwear",
        "Strick",
        "MKN",
        (3990, 12990),
        460,
        ColourSize,
        "standard",
        [
            "Crew-neck jumper" / "Rundhalspullover",
            "Zip cardigan" / "Zip-Strickjacke",
            "Fisherman jumper" / "Fischerpullover"
        ]
    ],
    [
        CLOTHING,
        MEN,
        "mens-trousers",
        "Trousers",
        "Hosen",
        "MTR",
        (3990, 11990),
        520,
        ColourSize,
        "standard",
        ["Chinos" / "Chinohose", "Corduroy trousers" / "Cordhose", "Jeans" / "Jeans"]
    ],
    [
        CLOTHING,
        KIDS,
        "kids-tops",
        "Tops",
        "Oberteile",
        "KTO",
        (990, 2990),
        120,
        ColourSize,
        "standard",
        ["Striped T-shirt" / "Ringelshirt", "Sweatshirt" / "Sweatshirt", "Hooded jumper" / "Kapuzenpullover"]
    ],
    [
        CLOTHING,
        KIDS,
        "kids-rainwear",
        "Rainwear",
        "Regenkleidung",
        "KRA",
        (2490, 5990),
        350,
        ColourSize,
        "standard",
        ["Rain coat" / "Regenmantel", "Rain trousers" / "Regenhose"]
    ],
    [
        SHOES,
        WOMEN,
        "womens-shoes",
        "Women's shoes",
        "Damenschuhe",
        "WSH",
        (5990, 17990),
        850,
        ColourShoe,
        "standard",
        ["Chelsea boots" / "Chelsea-Boots", "Sneakers" / "Sneaker", "Loafers" / "Loafer"]
    ],
    [
        SHOES,
        MEN,
        "mens-shoes",
        "Men's shoes",
        "Herrenschuhe",
        "MSO",
        (6990, 18990),
        1050,
        ColourShoe,
        "standard",
        ["Derby shoes" / "Derbyschuhe", "Sneakers" / "Sneaker", "Desert boots" / "Desert-Boots"]
    ],
    [
        SHOES,
        KIDS,
        "kids-shoes",
        "Kids' shoes",
        "Kinderschuhe",
        "KSH",
        (2990, 6990),
        450,
        ColourShoe,
        "standard",
        ["Wellington boots" / "Gummistiefel", "Sandals" / "Sandalen"]
    ],
    [
        HOME,
        KITCHEN,
        "pots-and-pans",
        "Pots and pans",
        "Töpfe und Pfannen",
        "POT",
        (2490, 18990),
        1800,
        Single,
        "standard",
        [
            "Saucepan" / "Stielkasserolle",
            "Frying pan" / "Bratpfanne",
            "Casserole" / "Schmortopf",
            "Wok" / "Wok"
        ]
    ],
    [
        HOME,
        KITCHEN,
        "tableware",
        "Tableware",
        "Geschirr",
        "TAB",
        (490, 3990),
        500,
        Colour,
        "standard",
        [
            "Mug" / "Becher",
            "Dinner plate" / "Speiseteller",
            "Cereal bowl" / "Müslischale",
            "Serving bowl" / "Servierschale"
        ]
    ],
    [
        HOME,
        KITCHEN,
        "knives",
        "Knives",
        "Messer",
        "KNI",
        (1490, 14990),
        220,
        Single,
        "standard",
        ["Chef's knife" / "Kochmesser", "Bread knife" / "Brotmesser", "Paring knife" / "Schälmesser"]
    ],
    [
        HOME,
        KITCHEN,
        "kitchen-textiles",
        "Kitchen textiles",
        "Küchentextilien",
        "KTX",
        (690, 2990),
        150,
        Colour,
        "standard",
        ["Tea towel" / "Geschirrtuch", "Apron" / "Schürze", "Oven gloves" / "Ofenhandschuhe"]
    ],
    [
        HOME,
        BEDROOM,
        "bed-linen",
        "Bed linen",
        "Bettwäsche",
        "BED",
        (3990, 14990),
        1200,
        Colour,
        "standard",
        ["Duvet cover" / "Bettbezug", "Pillowcase" / "Kissenbezug", "Fitted sheet" / "Spannbettlaken"]
    ],
    [
        HOME,
        BEDROOM,
        "blankets",
        "Blankets",
        "Decken",
        "BLA",
        (2990, 16990),
        1400,
        Colour,
        "standard",
        ["Wool blanket" / "Wolldecke", "Cotton throw" / "Baumwollplaid", "Quilt" / "Tagesdecke"]
    ],
    [
        HOME,
        LIVING,
        "lamps",
        "Lamps",
        "Lampen",
        "LAM",
        (3990, 29990),
        2200,
        Colour,
        "standard",
        ["Table lamp" / "Tischleuchte", "Floor lamp" / "Stehleuchte", "Pendant lamp" / "Pendelleuchte"]
    ],
    [
        HOME,
        LIVING,
        "cushions",
        "Cushions",
        "Kissen",
        "CUS",
        (1490, 5990),
        480,
        Colour,
        "standard",
        ["Cushion" / "Kissen", "Floor cushion" / "Bodenkissen"]
    ],
    [
        HOME,
        LIVING,
        "vases-and-candles",
        "Vases and candles",
        "Vasen und Kerzen",
        "VAS",
        (690, 6990),
        700,
        Colour,
        "standard",
        ["Vase" / "Vase", "Candle holder" / "Kerzenhalter", "Scented candle" / "Duftkerze"]
    ],
    [
        OUTDOOR,
        HIKING,
        "rucksacks",
        "Rucksacks",
        "Rucksäcke",
        "RUC",
        (4990, 21990),
        1100,
        Colour,
        "standard",
        [
            "Day pack" / "Tagesrucksack",
            "Trekking rucksack" / "Trekkingrucksack",
            "Roll-top rucksack" / "Rolltop-Rucksack"
        ]
    ],
    [
        OUTDOOR,
        HIKING,
        "tents-and-sleeping-bags",
        "Tents and sleeping bags",
        "Zelte und Schlafsäcke",
        "TEN",
        (8990, 59990),
        2600,
        Colour,
        "standard",
        ["Two-person tent" / "Zweipersonenzelt", "Sleeping bag" / "Schlafsack", "Tarp" / "Tarp"]
    ],
    [
        OUTDOOR,
        HIKING,
        "bottles-and-flasks",
        "Bottles and flasks",
        "Flaschen",
        "BOT",
        (1490, 4490),
        300,
        Colour,
        "standard",
        ["Drinking bottle" / "Trinkflasche", "Vacuum flask" / "Thermosflasche"]
    ],
    [
        OUTDOOR,
        CYCLING,
        "bike-bags",
        "Bike bags",
        "Fahrradtaschen",
        "BIB",
        (2990, 14990),
        800,
        Colour,
        "standard",
        ["Pannier" / "Gepäckträgertasche", "Handlebar bag" / "Lenkertasche", "Saddle bag" / "Satteltasche"]
    ],
    [
        OUTDOOR,
        CYCLING,
        "bike-lights",
        "Bike lights",
        "Fahrradlichter",
        "BIL",
        (1490, 8990),
        140,
        Single,
        "standard",
        ["Front light" / "Frontlicht", "Rear light" / "Rücklicht", "Light set" / "Lichtset"]
    ],
    [
        PANTRY,
        DRINKS,
        "coffee",
        "Coffee",
        "Kaffee",
        "COF",
        (690, 2490),
        500,
        Pack,
        "reduced",
        [
            "Espresso beans" / "Espressobohnen",
            "Filter coffee" / "Filterkaffee",
            "Decaf coffee" / "Entkoffeinierter Kaffee"
        ]
    ],
    [
        PANTRY,
        DRINKS,
        "tea",
        "Tea",
        "Tee",
        "TEA",
        (390, 1890),
        120,
        Pack,
        "reduced",
        ["Breakfast tea" / "Frühstückstee", "Green tea" / "Grüner Tee", "Herbal infusion" / "Kräutertee"]
    ],
    [
        PANTRY,
        SWEETS,
        "chocolate",
        "Chocolate",
        "Schokolade",
        "CHO",
        (290, 1490),
        110,
        Pack,
        "reduced",
        [
            "Dark chocolate" / "Zartbitterschokolade",
            "Milk chocolate" / "Vollmilchschokolade",
            "Nougat" / "Nougat"
        ]
    ],
    [
        PANTRY,
        SWEETS,
        "jam-and-honey",
        "Jam and honey",
        "Marmelade und Honig",
        "JAM",
        (390, 1290),
        450,
        Pack,
        "reduced",
        [
            "Apricot jam" / "Aprikosenkonfitüre",
            "Blossom honey" / "Blütenhonig",
            "Orange marmalade" / "Orangenmarmelade"
        ]
    ],
    [
        STUDY,
        STATIONERY,
        "notebooks",
        "Notebooks",
        "Notizbücher",
        "NOT",
        (590, 2990),
        280,
        Colour,
        "standard",
        ["Notebook" / "Notizbuch", "Sketchbook" / "Skizzenbuch", "Pocket diary" / "Taschenkalender"]
    ],
    [
        STUDY,
        STATIONERY,
        "pens",
        "Pens",
        "Stifte",
        "PEN",
        (190, 4990),
        40,
        Colour,
        "standard",
        [
            "Fountain pen" / "Füllfederhalter",
            "Pencil set" / "Bleistiftset",
            "Ballpoint pen" / "Kugelschreiber"
        ]
    ],
    [
        STUDY,
        TOYS,
        "wooden-toys",
        "Wooden toys",
        "Holzspielzeug",
        "WOO",
        (990, 7990),
        600,
        Single,
        "standard",
        ["Building blocks" / "Bauklötze", "Pull-along dog" / "Nachziehhund", "Stacking tower" / "Stapelturm"]
    ],
    [
        STUDY,
        TOYS,
        "board-games",
        "Board games",
        "Brettspiele",
        "GAM",
        (1490, 5990),
        900,
        Single,
        "standard",
        ["Strategy game" / "Strategiespiel", "Card game" / "Kartenspiel", "Memory game" / "Memospiel"]
    ],
];

/// Names of makes, English and German alike.
pub(crate) const MAKES: &[&str] = &[
    "Alma", "Birk", "Calder", "Dune", "Ember", "Fjord", "Grove", "Harbour", "Isla", "Juniper", "Kelp",
    "Linden", "Mistral", "Nord", "Ostra", "Pine", "Quarry", "Rowan", "Sable", "Tarn", "Umber", "Vale",
    "Wren", "Yarrow", "Zephyr", "Aspen", "Brook", "Cedar", "Dale", "Elm", "Fern", "Gale", "Heath", "Ivy",
    "Jute", "Knoll",
];

/// Colours, English and German.
pub(crate) const COLOURS: &[(&str, &str)] = &[
    ("Black", "Schwarz"),
    ("White", "Weiß"),
    ("Navy", "Marine"),
    ("Olive", "Oliv"),
    ("Rust", "Rost"),
    ("Sand", "Sand"),
    ("Forest", "Tannengrün"),
    ("Sky", "Himmelblau"),
];
