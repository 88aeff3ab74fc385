// SPDX-License-Identifier: Apache-2.0
// Comparing values. See words.h.
#include "harness/runner/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool compare_holds(int order, enum compare_op op)
{
    switch (op) {
    case OP_EQ:
        return order == 0;
    case OP_NE:
        return order != 0;
    case OP_LT:
        return order < 0;
    case OP_LE:
        return order <= 0;
    case OP_GT:
        return order > 0;
    case OP_GE:
        return order >= 0;
    }
    return false;
}

int compare_order(double a, double b)
{
    return (a > b) - (a < b);
}

double compare_number(const struct value *v)
{
    return v->kind == VALUE_NUMBER ? v->number : (double)v->quantity;
}

static bool parse_number(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !end[strspn(end, " \t\r\n")] && isfinite(*out);
}

int run_compare(struct run *r, const char *name, enum compare_op op,
                const struct value *value, char **seen)
{
    const struct variable *v = variables_find(&r->variables, name);
    if (!v) {
        run_fail(r, VERDICT_ERROR, NULL, "variable",
                 "the variable `%s` is not set", name);
        return -1;
    }
    *seen = strdup(v->text);
    double left, right;
    if (value->kind != VALUE_TEXT) {
        if (parse_number(v->text, &left))
            return compare_holds(compare_order(left, compare_number(value)),
                                 op);
        run_fail(r, VERDICT_FAILED, NULL, "variable",
                 "`%s` is \"%s\", which is not a number", name, v->text);
        return -1;
    }
    size_t len;
    char *text = run_text(r, &value->text, &len);
    if (!text)
        return -1;
    int order;
    if (parse_number(v->text, &left) && parse_number(text, &right))
        order = compare_order(left, right);
    else {
        order = memcmp(v->text, text, v->len < len ? v->len : len);
        if (!order)
            order = (v->len > len) - (v->len < len);
    }
    free(text);
    return compare_holds(order, op);
}
