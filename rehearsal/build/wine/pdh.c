/* pdh.dll for Wine, whose own knows none of the counters that kubelet.exe insists on (kubernetes v1.35.8,
 * pkg/kubelet/winstats/perfcounters.go). Not Windows' own: every counter exists, has one instance, and stands
 * at the same value. The functions are those that kubelet's wrapper looks up when it is loaded
 * (github.com/JeffAshton/win_pdh, pdh.go). */
#include <windows.h>
#include <pdh.h>
#include <pdhmsg.h>

#define EXPORT __declspec(dllexport)

static int anything; /* what all handles point to: they need only be there */
static WCHAR instance[] = L"_Total";
static const double always = 1e9;

static void fill(PDH_FMT_COUNTERVALUE *value)
{
    value->CStatus = PDH_CSTATUS_VALID_DATA;
    value->doubleValue = always;
}

/* Exported without a suffix, which the header defines away. */
#undef PdhOpenQuery
EXPORT PDH_STATUS WINAPI PdhOpenQuery(LPCWSTR source, DWORD_PTR user, PDH_HQUERY *query)
{
    *query = &anything;
    return ERROR_SUCCESS;
}

EXPORT PDH_STATUS WINAPI PdhCloseQuery(PDH_HQUERY query)
{
    return ERROR_SUCCESS;
}

EXPORT PDH_STATUS WINAPI PdhValidatePathW(LPCWSTR path)
{
    return ERROR_SUCCESS;
}

EXPORT PDH_STATUS WINAPI PdhAddCounterW(PDH_HQUERY query, LPCWSTR path, DWORD_PTR user, PDH_HCOUNTER *counter)
{
    *counter = &anything;
    return ERROR_SUCCESS;
}

EXPORT PDH_STATUS WINAPI PdhAddEnglishCounterW(PDH_HQUERY query, LPCWSTR path, DWORD_PTR user,
                                               PDH_HCOUNTER *counter)
{
    return PdhAddCounterW(query, path, user, counter);
}

EXPORT PDH_STATUS WINAPI PdhCollectQueryData(PDH_HQUERY query)
{
    return ERROR_SUCCESS;
}

EXPORT PDH_STATUS WINAPI PdhGetFormattedCounterValue(PDH_HCOUNTER counter, DWORD format, LPDWORD type,
                                                     PPDH_FMT_COUNTERVALUE value)
{
    fill(value);
    return ERROR_SUCCESS;
}

EXPORT PDH_STATUS WINAPI PdhGetFormattedCounterArrayW(PDH_HCOUNTER counter, DWORD format, LPDWORD size,
                                                     LPDWORD count,
                                                      PPDH_FMT_COUNTERVALUE_ITEM_W items)
{
    DWORD given = *size;

    *size = sizeof(*items);
    *count = 1;
    if (given < sizeof(*items))
        return PDH_MORE_DATA;
    items->szName = instance;
    fill(&items->FmtValue);
    return ERROR_SUCCESS;
}
