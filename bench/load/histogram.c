/* HDR-style histogram of nanoseconds: constant relative error, constant memory. */
#include <inttypes.h>
#include <stdio.h>

#include "load.h"

static uint32_t bucket_of(uint64_t value) {
    if (value < SUB) return (uint32_t)value;
    uint32_t shift = 63 - (uint32_t)__builtin_clzll(value) - SUB_BITS;
    uint64_t index = (uint64_t)(shift + 1) * SUB + ((value >> shift) - SUB);
    return index < BUCKETS ? (uint32_t)index : BUCKETS - 1;
}

/* The middle of the bucket's range. */
static uint64_t value_of(uint32_t bucket) {
    if (bucket < SUB) return bucket;
    uint32_t shift = bucket / SUB - 1;
    return ((uint64_t)(bucket % SUB + SUB) << shift) + ((1ULL << shift) >> 1);
}

void histogram_record(Histogram *h, int64_t value) {
    uint64_t nanos = value > 0 ? (uint64_t)value : 0;
    h->bucket[bucket_of(nanos)]++;
    h->total++;
    if (nanos > h->max) h->max = nanos;
}

static uint64_t quantile(const Histogram *h, double q) {
    uint64_t wanted = (uint64_t)(q * (double)h->total + 0.5), passed = 0;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        passed += h->bucket[i];
        if (passed >= wanted && passed) return value_of(i) < h->max ? value_of(i) : h->max;
    }
    return h->max;
}

void histogram_print(const Histogram *h, const char *name) {
    static const double ladder[] = {0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999};
    printf("\"%s\":{\"count\":%" PRIu64 ",\"max\":%" PRIu64, name, h->total, h->max);
    for (size_t i = 0; i < sizeof ladder / sizeof *ladder; i++)
        printf(",\"p%g\":%" PRIu64, ladder[i] * 100, quantile(h, ladder[i]));
    printf("},");
}
