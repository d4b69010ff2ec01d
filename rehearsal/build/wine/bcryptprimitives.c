/* bcryptprimitives.dll for Wine 8, which has none: the one function that every Go program needs to start
 * (Go 1.26, src/runtime/os_windows.go). Not Windows' own: it hands on to Wine's RtlGenRandom. */
#include <windows.h>

/* RtlGenRandom under its exported name. */
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    const SIZE_T most = MAXLONG;

    while (length > 0) {
        ULONG part = (ULONG)(length < most ? length : most);
        if (!SystemFunction036(buffer, part))
            return FALSE;
        buffer += part;
        length -= part;
    }
    return TRUE;
}
