"""List the made-up words that sample companies and people are built from."""

COMPANY_FIRST = (
    "Amber", "Birch", "Cobalt", "Dapple", "Ember", "Fable", "Gossamer", "Harbor", "Indigo", "Juniper",
    "Kettle", "Lantern", "Marble", "Nimbus", "Opal", "Pepper", "Quill", "Ribbon", "Saffron", "Thistle",
)  # fmt: skip
COMPANY_SECOND = (
    "Anvil", "Bakery", "Compass", "Dynamo", "Engine", "Foundry", "Garden", "Hammer", "Island", "Jigsaw",
    "Kiln", "Loom",
)  # fmt: skip
COMPANY_END = ("Sample Ltd", "Sample GmbH", "Sample Inc", "Sample AB")
INDUSTRIES = ("Manufacturing", "Retail", "Healthcare", "Logistics", "Energy", "Finance", "Education", "Media")
COUNTRIES = {
    "EMEA": ("Germany", "France", "Sweden", "Spain"),
    "AMER": ("Canada", "Brazil", "Mexico", "Chile"),
    "APAC": ("Japan", "India", "Australia", "Korea"),
}
REGIONS = tuple(COUNTRIES)
PRODUCTS = ("Analytics", "Platform", "Support", "Training", "Integration", "Renewal", "Expansion")
FIRST_NAMES = (
    "Alva", "Bodil", "Cleo", "Dorian", "Edda", "Finn", "Greta", "Hugo", "Ines", "Jonas",
    "Kaja", "Levi", "Mira", "Nils", "Orla", "Pia", "Quentin", "Runa", "Sven", "Tilda",
)  # fmt: skip
LAST_NAMES = (
    "Samplesen", "Testberg", "Demofield", "Mockford", "Fictley", "Examplow", "Trialsson", "Stubwell",
    "Fakeham", "Pretendo",
)  # fmt: skip
TITLES = ("Head of Purchasing", "CFO", "CTO", "Operations Director", "IT Manager", "Sustainability Lead")
CITIES = ("Sampleton", "Testville", "Demo City")
LOSS_REASONS = ("Price", "Missing feature", "Timing", "Competitor relationship", "No decision")
WIN_REASONS = ("Fit", "Price", "Support quality", "Existing relationship", "Time to value")
COMPETITORS = ("Rival One (sample)", "Rival Two (sample)", "Rival Three (sample)", "none")
