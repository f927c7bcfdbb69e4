#include "seccompd/profile/compare.h"
