/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - names for containers that nobody named: adjective_surname */
#include "config.h"

#include "core/names.h"

#include <sys/random.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/err.h"

static const char *const adjectives[] = {
	"able",   "agile",  "amber",  "brave",  "bright", "brisk",   "calm",   "candid", "clever",
	"cosmic", "crisp",  "daring", "eager",  "early",  "fair",    "fleet",  "fluent", "frank",
	"fresh",  "gentle", "glad",   "golden", "grand",  "happy",   "hardy",  "honest", "humble",
	"jolly",  "keen",   "kind",   "lively", "lucid",  "lucky",   "mellow", "merry",  "mild",
	"modest", "neat",   "nimble", "noble",  "open",   "patient", "plain",  "polite", "proud",
	"quick",  "quiet",  "rapid",  "ready",  "serene", "sharp",   "shy",    "silent", "smart",
	"snug",   "sober",  "solid",  "steady", "subtle", "sunny",   "swift",  "tidy",   "trusty",
	"vivid",  "warm",   "wise",   "witty",  "zesty",
};

/* Scientists and engineers whose work containers stand on */
static const char *const surnames[] = {
	"abel",      "babbage", "backus",   "banach",   "bartik",   "bell",       "bohr",
	"boole",     "cauchy",  "cerf",     "church",   "clarke",   "codd",       "conway",
	"curie",     "curry",   "darwin",   "dijkstra", "dirac",    "elion",      "engelbart",
	"erdos",     "euler",   "fermat",   "feynman",  "floyd",    "franklin",   "galois",
	"gauss",     "germain", "goedel",   "goldberg", "hamilton", "hamming",    "hertz",
	"hilbert",   "hoare",   "hopper",   "huffman",  "hypatia",  "johnson",    "kepler",
	"kleene",    "knuth",   "lamarr",   "lamport",  "laplace",  "leibniz",    "liskov",
	"lovelace",  "maxwell", "mccarthy", "meitner",  "mendel",   "milner",     "naur",
	"newton",    "noether", "noyce",    "pascal",   "perlman",  "planck",     "poincare",
	"ramanujan", "ride",    "ritchie",  "sammet",   "shannon",  "somerville", "stallings",
	"tarjan",    "tesla",   "thompson", "turing",   "wiles",    "wirth",      "wozniak",
	"yalow",
};

char *names_generate(unsigned attempt)
{
	unsigned char r[4] = { 0 };
	size_t a, s;

	RL_IGNORE(getrandom(r, sizeof(r), 0)); /* a poor name is no harm */
	a = (r[0] | (size_t)r[1] << 8) % ARRAY_LEN(adjectives);
	s = (r[2] | (size_t)r[3] << 8) % ARRAY_LEN(surnames);
	if (attempt == 0)
		return str_printf("%s_%s", adjectives[a], surnames[s]);
	return str_printf("%s_%s%u", adjectives[a], surnames[s], attempt % 10);
}
