/*
 * The bcryptprimitives.dll that Wine 8 lacks, with the one function that Rust's own library takes
 * from it. Windows has it since 2009. For tests only.
 */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T length) {
    return RtlGenRandom(bytes, (ULONG)length);
}
