"""Do letters follow each other as they do in words? A model of letter pairs tells words from random letters."""

import math
import re
from collections import Counter
from functools import lru_cache
from operator import add

from seawall.audit.secrets import late

# Row: a letter, the first row the start of a word; column: what follows it, the first column the end of the word. Each
# hexadecimal digit is the surprise in bits, -log2 p. Counted over the 23,531 lower-case words that stand in at least
# four files of Python's, Debian's and npm's documentation and source code.
_SURPRISE = (
    "f45344455477545548434565788",  # the start
    "5844487585a6343a5a343667769",  # a
    "43656367946926746a446499859",  # b
    "4385737935b447827a563599a7b",  # c
    "24775277838957748a55758897d",  # d
    "3574366697a945376733486757a",  # e
    "34866438a2b947737b4554a9a6f",  # f
    "1587838654db56557b456599b88",  # g
    "3388729aa3b866737b5645b9a6f",  # h
    "65545555c9b845245954495b7c5",  # i
    "438663699476976368839397c8c",  # j
    "246872667387576579746586b6a",  # k
    "33875278a3a848837b95557aa4b",  # l
    "42577288a3a765843a85759ab7a",  # m
    "34844463849677647a843669a7a",  # n
    "56644765968644254b34545578a",  # o
    "4397737854b847834a3545a9a5b",  # p
    "3687797c88cc47797865816cc9c",  # q
    "3375527693c665646a544678c6c",  # r
    "2595838854b7677558843597a6c",  # s
    "3486727843a967847c445598a59",  # t
    "65456465a5a944374c33399a8a9",  # u
    "4387818892ee77749b878899b9b",  # v
    "3278638843d768447a4479989bd",  # w
    "2574636a64d965863875378957a",  # x
    "1576757795b955563a745987988",  # y
    "4388917973c9678489767899c65",  # z
)
_LETTERS = "`abcdefghijklmnopqrstuvwxyz"
_PAIRS = {
    a + b: int(bits, 16)
    for a, row in zip(_LETTERS, _SURPRISE, strict=True)
    for b, bits in zip(_LETTERS, row, strict=True)
}
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# Of words of eight letters 1 % are above 4.9, of random letters 6 % below.
STRANGE = 4.9


def surprise(letters: str) -> float:
    """Mean surprise of the lower-case `letters` as one word, bits a letter pair: some 3.7 for words, 6 if random."""
    edged = f"`{letters}`"
    return sum(map(_PAIRS.__getitem__, map(add, edged, edged[1:]))) / (len(letters) + 1)


def runs(text: str) -> list[str]:
    """The words of an identifier, lower case: `getURLForKey2` has get, url, for, key."""
    return [run.lower() for run in _RUN.findall(text)]


@lru_cache(65536)
def made_of_words(text: str) -> bool:
    """Whether nearly all letters of `text` stand in runs that look like words: no random text does."""
    words = runs(text)
    letters = sum(map(len, words))
    if not letters:
        return False
    likely = sum(len(word) for word in words if len(word) >= 3 and surprise(word) < STRANGE)
    return likely >= 0.75 * letters


@lru_cache(65536)
def looks_random(text: str) -> bool:
    """Whether the letters of `text`, taken as they come, do not follow each other as in words."""
    letters = [run for run in late.findall(r"[a-z]+", text.lower()) if len(run) > 1]
    total = sum(map(len, letters))
    return total < 4 or sum(surprise(run) * len(run) for run in letters) / total >= STRANGE


def entropy(text: str) -> float:
    """Shannon entropy, bits a character (Shannon 1948)."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
