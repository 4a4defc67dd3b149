"""Chooses about 600 of the world's airports: the busy ones by name, the others by rule."""

from dataclasses import dataclass
from functools import cache

import airportsdata

from schedule.seeding.countries import COUNTRIES

# Weight 30: the airports most people have heard of. Weight 8: large ones. Every other chosen airport weighs 1.
HUBS = """
LHR CDG AMS FRA MAD IST DXB DOH SIN HKG HND NRT ICN PEK PVG CAN BKK KUL CGK DEL BOM SYD MEL JFK EWR LAX ORD ATL DFW
DEN SFO SEA MIA YYZ YVR MEX GRU BOG LIM SCL EZE JNB CAI ADD NBO LOS CMN JED
"""
LARGE = """
LGW MAN EDI DUB BHX GLA ORY NCE LYS MRS TLS BRU MUC DUS BER HAM STR CGN ZRH GVA VIE PRG BUD WAW KRK OTP SOF BEG ZAG
ATH SKG HER FCO MXP VCE NAP BLQ CTA BCN PMI AGP VLC SVQ LIS OPO FAO CPH ARN GOT OSL BGO HEL RIX VNO TLL KEF LUX MLA
SAW ESB AYT ADB TLV AMM BEY KWI BAH MCT AUH RUH DMM TBS EVN GYD TAS ALA NQZ ISB KHI LHE DAC CMB KTM MLE BLR MAA HYD
CCU AMD GOI PNQ COK RGN SGN HAN DAD KTI SAI VTE MNL CEB DPS SUB HKT CNX TPE KHH CTU SZX HGH XIY KMG WUH NKG CKG XMN
TAO KIX NGO FUK CTS OKA PUS CJU GMP ULN BNE PER ADL CBR AKL WLG CHC ZQN NAN PPT HNL OGG ANC LAS PHX SAN PDX SLC MSP
DTW BOS PHL IAD DCA BWI CLT MCO TPA FLL RDU BNA AUS IAH HOU MSY STL MCI CLE PIT IND CMH CVG SMF SJC OAK SNA YUL YYC
YEG YOW YWG YHZ GDL MTY CUN SJU SDQ PUJ HAV KIN PTY SJO SAL GUA UIO GYE MDE CLO CTG CUZ LPB VVI ASU MVD AEP COR MDZ
GIG SDU CGH BSB CNF SSA REC FOR POA CWB MAO BEL CCS CPT DUR DAR ZNZ EBB KGL LUN HRE WDH GBE MPM TNR MRU SEZ RUN ACC
ABJ DSS ABV LFW DLA LAD FIH TUN ALG RAK HRG SSH LXR ASM KRT
"""
WEIGHTS = dict.fromkeys(LARGE.split(), 8) | dict.fromkeys(HUBS.split(), 30)
# The data names the municipality an airport stands in; these are the cities people fly to.
CITIES = {
    "TLS": "Toulouse", "BEG": "Belgrade", "VCE": "Venice", "NAP": "Naples", "PMI": "Palma", "SVQ": "Seville",
    "DUS": "Düsseldorf", "DMM": "Dammam", "GOI": "Goa", "COK": "Kochi", "CEB": "Cebu", "DPS": "Denpasar",
    "KHH": "Kaohsiung", "XIY": "Xi’an", "NGO": "Nagoya", "CTS": "Sapporo", "CJU": "Jeju", "RDU": "Raleigh",
    "CVG": "Cincinnati", "YUL": "Montréal", "YYZ": "Toronto", "YVR": "Vancouver", "EZE": "Buenos Aires",
    "PTY": "Panama City", "SAL": "San Salvador", "MDE": "Medellín", "LPB": "La Paz", "ZNZ": "Zanzibar",
    "DSS": "Dakar", "FRA": "Frankfurt", "IST": "Istanbul", "DFW": "Dallas", "GIG": "Rio de Janeiro",
    "SDU": "Rio de Janeiro", "CGH": "São Paulo", "GRU": "São Paulo", "LFW": "Lomé", "SSH": "Sharm el-Sheikh",
    "SEZ": "Mahé", "RUN": "Saint-Denis",
}  # fmt: skip
WANTED = 600
A_COUNTRY = 12  # at most so many chosen by rule from one country
# No scheduled flights that anyone could book.
LEFT_OUT = {"AQ", "KP"}


@dataclass(frozen=True)
class Place:
    iata: str
    name: str
    city: str
    country_code: str
    country: str
    latitude: float
    longitude: float
    timezone: str
    weight: int


@cache
def places() -> tuple[Place, ...]:
    """The chosen airports, by code."""
    everything = airportsdata.load("IATA")
    chosen = {code: _place(everything[code]) for code in WEIGHTS if code in everything}
    cities = {(place.country_code, place.city) for place in chosen.values()}
    counts: dict[str, int] = {}
    for code, row in sorted(everything.items()):
        city = (row["country"], row["city"])
        if len(chosen) == WANTED or code in chosen or city in cities or not _sensible(row):
            continue
        counts[row["country"]] = counts.get(row["country"], 0) + 1
        if counts[row["country"]] <= A_COUNTRY:
            chosen[code] = _place(row)
            cities.add(city)
    return tuple(chosen[code] for code in sorted(chosen))


def _sensible(row: airportsdata.Airport) -> bool:
    international = "International" in row["name"] and "Heli" not in row["name"]
    return international and bool(row["city"]) and row["country"] in COUNTRIES and row["country"] not in LEFT_OUT


def _place(row: airportsdata.Airport) -> Place:
    country, code = row["country"], row["iata"]
    return Place(
        iata=code,
        name=row["name"],
        city=CITIES.get(code, row["city"]),
        country_code=country,
        country=COUNTRIES[country],
        latitude=round(row["lat"], 4),
        longitude=round(row["lon"], 4),
        timezone=row["tz"],
        weight=WEIGHTS.get(code, 1),
    )
