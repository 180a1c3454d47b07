/** @file weights.c  WEIGHT and SIGMA from each other (multi-ms 2.13, transform-numerics 0.4):
 * squares and roots in float, reciprocals in double. */
#include <float.h>
#include <math.h>

#include "multims/transform.h"

void mms_weight_to_sigma(int64_t n, const float *weight, float *sigma)
{
    for (int64_t i = 0; i < n; i++)
        sigma[i] = weight[i] > FLT_MIN ? (float)(1.0 / (double)sqrtf(weight[i])) : -1.0f;
}

void mms_sigma_to_weight(int64_t n, const float *sigma, float *weight)
{
    for (int64_t i = 0; i < n; i++)
        weight[i] = sigma[i] > FLT_MIN ? (float)(1.0 / (double)(sigma[i] * sigma[i])) : 0.0f;
}
