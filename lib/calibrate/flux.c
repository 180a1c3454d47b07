/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flux.c  Flux densities of calibrators (in-place 4; Perley & Butler, ApJS 204, 19 and 230,
 * 7).
 */
#include <complex.h>
#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/base_priv.h"
#include "calibrate.h"

static const double c_m_s = 299792458.0;

/* ---- laws -------------------------------------------------------------------------------------*/

static double polynomial(int64_t n, const double *terms, double x)
{
    double sum = 0;

    for (int64_t i = n - 1; i >= 0; i--)
        sum = sum * x + terms[i];
    return sum;
}

static void polarize(const mms_flux *f, double freq_hz, double stokes_jy[4])
{
    const double x = (freq_hz - f->reference_hz) / f->reference_hz;
    const double lambda = c_m_s / freq_hz, lambda0 = c_m_s / f->reference_hz;
    const double turn = f->rotmeas * (lambda * lambda - lambda0 * lambda0);
    const double p = stokes_jy[0] * polynomial(f->npol, f->polindex, x);
    const double angle = polynomial(f->nangle, f->polangle_rad, x) + turn;

    stokes_jy[1] = p * cos(2 * angle);
    stokes_jy[2] = p * sin(2 * angle);
}

void mms_flux_settle(mms_flux *f)
{
    const double q = f->stokes_jy[1], u = f->stokes_jy[2], linear = hypot(q, u);

    f->is_curved = f->npol > 1 || f->nangle > 1;
    if (f->npol == 0 || f->nangle == 0)
        f->npol = f->nangle = 0;
    if (!(linear > 0) || !(f->stokes_jy[0] > 0) || (f->npol == 0 && !(fabs(f->rotmeas) > 0)))
        return;
    f->polindex[0] = linear / f->stokes_jy[0];
    f->polangle_rad[0] = atan2(u, q) / 2;
    f->npol = f->npol > 0 ? f->npol : 1;
    f->nangle = f->nangle > 0 ? f->nangle : 1;
}

bool mms_flux_has_index(const mms_flux *f)
{
    return !f->logarithmic && f->nterm <= 1 && !f->is_curved;
}

/* ---- products ---------------------------------------------------------------------------------*/

static mms_complex complex_of(double re, double im)
{
    return (float)re + (float)im * (mms_complex)_Complex_I;
}

mms_status mms_flux_product(const char *product, const double s[4], mms_complex *value,
                            mms_error *err)
{
    const struct {
        const char *name;
        double re, im;
    } list[] = {{"RR", s[0] + s[3], 0}, {"RL", s[1], s[2]},     {"LR", s[1], -s[2]},
                {"LL", s[0] - s[3], 0}, {"XX", s[0] + s[1], 0}, {"XY", s[2], s[3]},
                {"YX", s[2], -s[3]},    {"YY", s[0] - s[1], 0}, {"I", s[0], 0},
                {"Q", s[1], 0},         {"U", s[2], 0},         {"V", s[3], 0}};

    for (int64_t i = 0; i < MMS_COUNT_OF(list); i++)
        if (!strcmp(list[i].name, product)) {
            *value = complex_of(list[i].re, list[i].im);
            return MMS_OK;
        }
    return mms_fail(err, MMS_ERR_UNSUPPORTED,
                    "no model of the product %s can be made, but of circular, linear and Stokes "
                    "ones",
                    product);
}

float mms_flux_default(const char *product)
{
    static const char *const ones[] = {"RR", "LL", "XX", "YY", "I", NULL};
    return mms_names_have(ones, product) ? 1 : 0;
}

/* ---- standards --------------------------------------------------------------------------------*/

enum { P2013 = 1, P2017 = 2 };

const char *const mms_flux_standards = "Perley-Butler 2017, Perley-Butler 2013";

/** A source: its names, separated by "|"; the standards that have it; from when on (0: always). */
typedef struct source {
    const char *names;
    unsigned standards;
    double year;
    int64_t nterm;
    double terms[6];
} source;

/* clang-format off */
static const source sources[] = {
    {"3C286|1328+307|1331+305|J1331+3030", P2017, 0, 4, {1.2481, -0.4507, -0.1798, 0.0357}},
    {"3C295|1409+524|1411+522|J1411+5212", P2017, 0, 5, {1.4701, -0.7658, -0.2780, -0.0347, 0.0399}},
    {"3C196|0809+483|0813+482|J0813+4813", P2017, 0, 5, {1.2872, -0.8530, -0.1534, -0.0200, 0.0201}},
    {"3C123|0433+295|0437+296|J0437+2940", P2017, 0, 5, {1.8017, -0.7884, -0.1035, -0.0248, 0.0090}},
    {"3C353|1717-009|1720-009|J1720-0058", P2017, 0, 4, {1.8627, -0.6938, -0.0998, -0.0732}},
    {"3C380|1828+487|1829+487|J1829+4844", P2017, 0, 6, {1.2320, -0.7909, 0.0947, 0.0976, -0.1794, -0.1566}},
    {"J0133-3629", P2017, 0, 3, {1.0440, -0.6619, -0.2252}},
    {"J0444-2809", P2017, 0, 3, {0.9710, -0.8938, -0.1176}},
    {"3C444|2211-172|2214-170|J2214-1701", P2017, 0, 4, {1.1064, -1.0052, -0.0750, -0.0767}},
    {"Fornax A", P2017, 0, 2, {2.2175, -0.6606}},
    {"Pictor A", P2017, 0, 3, {1.9380, -0.7470, -0.0739}},
    {"Taurus A|3C144|M1|Crab", P2017, 0, 4, {2.9516, -0.2173, -0.0473, -0.0674}},
    {"Hydra A|3C218", P2017, 0, 5, {1.7795, -0.9176, -0.0843, -0.0139, 0.0295}},
    {"Virgo A|3C274|M87", P2017, 0, 3, {2.4466, -0.8116, -0.0483}},
    {"Hercules A|3C348", P2017, 0, 3, {1.8298, -1.0247, -0.0951}},
    {"Cygnus A|3C405", P2017, 0, 5, {3.3498, -1.0022, -0.2246, 0.0227, 0.0425}},
    {"Cassiopeia A|CasA|3C461", P2017, 0, 4, {3.3584, -0.7518, -0.0347, -0.0705}},
    {"3C286|1328+307|1331+305|J1331+3030", P2013, 0, 4, {1.2515, -0.4605, -0.1715, 0.0336}},
    {"3C123|0433+295|0437+296|J0437+2940", P2013, 0, 4, {1.8077, -0.8018, -0.1157, 0}},
    {"3C295|1409+524|1411+522|J1411+5212", P2013, 0, 4, {1.4866, -0.7871, -0.3440, 0.0749}},
    {"3C196|0809+483|0813+482|J0813+4813", P2013, 0, 4, {1.2969, -0.8690, -0.1788, 0.0305}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 1983.4, 4, {1.3339, -0.7643, -0.1946, 0.055}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 1985.9, 4, {1.335, -0.7598, -0.1869, 0.057}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 1987.3, 4, {1.3361, -0.7577, -0.1905, 0.048}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 1989.9, 4, {1.3363, -0.7605, -0.1965, 0.057}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 1995.2, 4, {1.3359, -0.7673, -0.2041, 0.059}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 1998.1, 4, {1.3342, -0.7732, -0.2078, 0.065}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 1999.3, 4, {1.3342, -0.7682, -0.2097, 0.056}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 2000.8, 4, {1.3323, -0.7654, -0.2091, 0.06}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 2001.9, 4, {1.3342, -0.7708, -0.2014, 0.059}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 2003.1, 4, {1.3341, -0.7691, -0.2006, 0.057}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 2004.7, 4, {1.3341, -0.7641, -0.2102, 0.059}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 2006.0, 4, {1.3335, -0.7705, -0.2008, 0.058}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 2007.4, 4, {1.3335, -0.766, -0.1982, 0.051}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 2008.7, 4, {1.3361, -0.77, -0.2119, 0.076}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 2010.0, 4, {1.3334, -0.7662, -0.1988, 0.062}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 2010.9, 4, {1.3332, -0.7665, -0.198, 0.064}},
    {"3C48|0134+329|0137+331|J0137+3309", P2013 | P2017, 2012.0, 4, {1.3324, -0.769, -0.195, 0.059}},
    {"3C48|0134+329|0137+331|J0137+3309", P2017, 2017.0, 4, {1.3253, -0.7553, -0.1914, 0.0498}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 1983.4, 5, {1.0328, -0.5523, -0.1161, 0.008, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 1985.9, 5, {1.0337, -0.5591, -0.1605, 0.032, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 1987.3, 5, {1.0354, -0.5914, -0.1032, -0.005, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 1989.9, 5, {1.0292, -0.5636, -0.1857, 0.052, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 1995.2, 5, {1.0145, -0.5466, -0.1758, 0.038, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 1998.1, 5, {1.0259, -0.5679, -0.1735, 0.039, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 1999.3, 5, {1.0204, -0.5702, -0.1636, 0.03, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 2000.8, 5, {1.0081, -0.5077, -0.2492, 0.064, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 2001.9, 5, {1.0196, -0.5627, -0.1823, 0.039, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 2003.1, 5, {1.0177, -0.5686, -0.1591, 0.029, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 2004.7, 5, {1.0094, -0.5003, -0.2642, 0.085, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 2006.0, 5, {1.0181, -0.5543, -0.1486, 0.038, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 2007.4, 5, {1.0149, -0.5408, -0.1174, 0.012, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 2008.7, 5, {1.0132, -0.4941, -0.1556, 0.045, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 2010.0, 5, {1.023, -0.4983, -0.1529, 0.048, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 2010.9, 5, {1.0207, -0.514, -0.1626, 0.058, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2013 | P2017, 2012.0, 5, {1.0332, -0.5608, -0.1197, 0.041, 0}},
    {"3C138|0518+165|0521+166|J0521+1638", P2017, 2017.0, 5, {1.0088, -0.4981, -0.1552, -0.0102, 0.0223}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 1983.4, 6, {1.462, -0.7085, -0.2347, 0.051, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 1985.9, 6, {1.4648, -0.7177, -0.2501, 0.089, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 1987.3, 6, {1.4624, -0.7115, -0.2336, 0.071, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 1989.9, 6, {1.4646, -0.7194, -0.2532, 0.092, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 1995.2, 6, {1.4632, -0.7121, -0.2346, 0.086, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 1998.1, 6, {1.4641, -0.709, -0.2313, 0.088, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 1999.3, 6, {1.4642, -0.7132, -0.2424, 0.082, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 2000.8, 6, {1.4585, -0.7086, -0.2296, 0.068, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 2001.9, 6, {1.4636, -0.7124, -0.2426, 0.084, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 2003.1, 6, {1.4639, -0.7144, -0.2453, 0.082, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 2004.7, 6, {1.4635, -0.7112, -0.2453, 0.091, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 2006.0, 6, {1.4631, -0.7136, -0.2338, 0.094, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 2007.4, 6, {1.4645, -0.7115, -0.2378, 0.084, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 2008.7, 6, {1.4625, -0.7112, -0.2396, 0.081, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 2010.0, 6, {1.4623, -0.7139, -0.2405, 0.081, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 2010.9, 6, {1.4607, -0.715, -0.2372, 0.077, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2013 | P2017, 2012.0, 6, {1.4616, -0.7187, -0.2424, 0.079, 0, 0}},
    {"3C147|0538+498|0542+498|J0542+4951", P2017, 2017.0, 6, {1.4516, -0.6961, -0.2007, 0.064, -0.0464, 0.0289}},
};
/* clang-format on */

static unsigned standard_of(const char *name)
{
    return !strcmp(name, "Perley-Butler 2017")   ? P2017
           : !strcmp(name, "Perley-Butler 2013") ? P2013
                                                 : 0;
}

bool mms_flux_has_standard(const char *standard)
{
    return standard_of(standard) != 0;
}

static bool is_gap(char c)
{
    return c == ' ' || c == '_';
}

/** The end in text of the alias that begins there, NULL where it does not; case and gaps don't
 *  count. */
static const char *match_alias(const char *text, const char *alias, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (is_gap(alias[i]))
            continue;
        while (i > 0 && is_gap(*text))
            text++;
        if (toupper((unsigned char)*text) != toupper((unsigned char)alias[i]))
            return NULL;
        text++;
    }
    return text;
}

/** Whether name has alias in it, as a word: 3C48 is not in 3C480. */
static bool has_alias(const char *name, const char *alias, size_t length)
{
    for (const char *at = name; *at; at++) {
        const char *end = match_alias(at, alias, length);
        if (end && (at == name || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)*end))
            return true;
    }
    return false;
}

static bool is_called(const source *s, const char *name)
{
    const char *at = s->names;

    while (*at) {
        const size_t length = strcspn(at, "|");
        if (has_alias(name, at, length))
            return true;
        at += length + (at[length] == '|');
    }
    return false;
}

static double year_of(double time_s)
{
    return 2000 + (time_s / 86400 - 51544.5) / 365.25;
}

void mms_flux_find(const char *standard, const char *name, double time_s, bool *found,
                   mms_flux *flux)
{
    const double year = year_of(time_s);
    const source *best = NULL;

    for (int64_t i = 0; i < MMS_COUNT_OF(sources); i++) {
        const source *s = &sources[i];
        if (!(s->standards & standard_of(standard)) || !is_called(s, name))
            continue;
        if (!best || s->year <= year) // by year: the last that is not after it, else the first
            best = s;
    }
    *found = best != NULL;
    *flux = (mms_flux){.logarithmic = true, .stokes_jy = {1}, .reference_hz = 1e9};
    if (best) {
        flux->nterm = best->nterm;
        memcpy(flux->terms, best->terms, sizeof best->terms);
    } else {
        flux->logarithmic = false;
    }
}

/* ---- epochs -----------------------------------------------------------------------------------*/

static double sum_of_epochs(const mms_flux *f, double x)
{
    double sum = 0;

    for (int64_t i = 0; i < f->nepoch; i++) {
        const source *s = &sources[f->first_epoch + i];
        sum += f->shares[i] * pow(10, polynomial(s->nterm, s->terms, x));
    }
    return sum;
}

/** The epoch at or before which a year is, with one after it. */
static int64_t find_epoch(int64_t n, const source *s, double year)
{
    int64_t i = 0;

    while (i < n - 2 && s[i + 1].year < year)
        i++;
    return i;
}

static void share_line(int64_t n, const source *s, double year, double *shares)
{
    const int64_t i = find_epoch(n, s, year);

    shares[i + 1] = (year - s[i].year) / (s[i + 1].year - s[i].year);
    shares[i] = 1 - shares[i + 1];
}

/** The polynomial through four epochs. */
static void share_cubic(int64_t n, const source *s, double year, double *shares)
{
    int64_t first = find_epoch(n, s, year) - 1;

    if (year > s[n - 1].year || first > n - 4)
        first = n - 4;
    first = first < 0 ? 0 : first;
    for (int64_t i = first; i < first + 4; i++) {
        shares[i] = 1;
        for (int64_t j = first; j < first + 4; j++)
            if (j != i)
                shares[i] *= (year - s[j].year) / (s[i].year - s[j].year);
    }
}

/** Second derivatives of the natural spline that is 1 at epoch one and 0 at the others. */
static void bend(int64_t n, const source *s, int64_t one, double *second)
{
    double ratio[MMS_FLUX_EPOCHS] = {0};

    second[0] = second[n - 1] = 0;
    for (int64_t i = 1; i < n - 1; i++) {
        const double left = s[i].year - s[i - 1].year, right = s[i + 1].year - s[i].year;
        const double rise = ((i + 1 == one) - (i == one)) / right;
        const double before = ((i == one) - (i - 1 == one)) / left;
        const double pivot = 2 * (left + right) - left * ratio[i - 1];
        ratio[i] = right / pivot;
        second[i] = (6 * (rise - before) - left * second[i - 1]) / pivot;
    }
    for (int64_t i = n - 2; i > 0; i--)
        second[i] -= ratio[i] * second[i + 1];
}

static void share_spline(int64_t n, const source *s, double year, double *shares)
{
    const int64_t i = find_epoch(n, s, year);
    const double width = s[i + 1].year - s[i].year, b = (year - s[i].year) / width, a = 1 - b;
    double second[MMS_FLUX_EPOCHS];

    for (int64_t one = 0; one < n; one++) {
        bend(n, s, one, second);
        shares[one] =
            a * (one == i) + b * (one == i + 1) +
            ((a * a * a - a) * second[i] + (b * b * b - b) * second[i + 1]) * width * width / 6;
    }
}

void mms_flux_interpolate(const char *standard, const char *name, double time_s, const char *how,
                          mms_flux *flux)
{
    static const struct {
        const char *name;
        void (*share)(int64_t n, const source *s, double year, double *shares);
    } ways[] = {{"linear", share_line}, {"cubic", share_cubic}, {"spline", share_spline}};
    int64_t n = 0, first = 0;

    for (int64_t i = 0; i < MMS_COUNT_OF(sources) && n < MMS_FLUX_EPOCHS; i++)
        if ((sources[i].standards & standard_of(standard)) && sources[i].year > 0 &&
            is_called(&sources[i], name)) {
            first = n == 0 ? i : first;
            n++;
        }
    for (int64_t i = 0; i < MMS_COUNT_OF(ways) && n >= 4; i++)
        if (!strcmp(ways[i].name, how)) {
            flux->first_epoch = first;
            flux->nepoch = n;
            memset(flux->shares, 0, sizeof flux->shares);
            ways[i].share(n, &sources[first], year_of(time_s), flux->shares);
        }
}

void mms_flux_at(const mms_flux *f, double freq_hz, double stokes_jy[4])
{
    double factor;

    if (f->logarithmic) {
        stokes_jy[0] = f->nepoch > 0
                           ? sum_of_epochs(f, log10(freq_hz / 1e9))
                           : pow(10, polynomial(f->nterm, f->terms, log10(freq_hz / 1e9)));
        stokes_jy[1] = stokes_jy[2] = stokes_jy[3] = 0;
        return;
    }
    const double x = freq_hz / f->reference_hz;
    factor = f->nterm > 0 ? pow(x, polynomial(f->nterm, f->terms, log10(x))) : 1;
    for (int i = 0; i < 4; i++)
        stokes_jy[i] = f->stokes_jy[i] * factor;
    if (f->npol > 0)
        polarize(f, freq_hz, stokes_jy);
}

/* ---- at the border ----------------------------------------------------------------------------*/

static mms_value *encode(int64_t n, const double *terms)
{
    mms_value *list = json_array();

    for (int64_t i = 0; i < n; i++)
        json_array_append_new(list, json_real(terms[i]));
    return list;
}

static int64_t decode(const mms_value *list, int64_t most, double *terms)
{
    const int64_t n = (int64_t)json_array_size(list);

    for (int64_t i = 0; i < n && i < most; i++)
        terms[i] = json_number_value(json_array_get(list, (size_t)i));
    return n < most ? n : most;
}

mms_value *mms_flux_encode(const mms_flux *f)
{
    return json_pack("{sb sb so sf so so so sf sI so}", "logarithmic", (int)f->logarithmic,
                     "curved", (int)f->is_curved, "stokes", encode(4, f->stokes_jy), "reference",
                     f->reference_hz, "terms", encode(f->nterm, f->terms), "polindex",
                     encode(f->npol, f->polindex), "polangle", encode(f->nangle, f->polangle_rad),
                     "rotmeas", f->rotmeas, "first_epoch", (json_int_t)f->first_epoch, "shares",
                     encode(f->nepoch, f->shares));
}

void mms_flux_decode(const mms_value *value, mms_flux *f)
{
    *f = (mms_flux){0};
    f->logarithmic = json_is_true(json_object_get(value, "logarithmic"));
    f->is_curved = json_is_true(json_object_get(value, "curved"));
    (void)decode(json_object_get(value, "stokes"), 4, f->stokes_jy);
    f->reference_hz = json_number_value(json_object_get(value, "reference"));
    f->nterm = decode(json_object_get(value, "terms"), MMS_FLUX_TERMS, f->terms);
    f->npol = decode(json_object_get(value, "polindex"), MMS_FLUX_TERMS, f->polindex);
    f->nangle = decode(json_object_get(value, "polangle"), MMS_FLUX_TERMS, f->polangle_rad);
    f->rotmeas = json_number_value(json_object_get(value, "rotmeas"));
    f->first_epoch = json_integer_value(json_object_get(value, "first_epoch"));
    f->nepoch = decode(json_object_get(value, "shares"), MMS_FLUX_EPOCHS, f->shares);
}
