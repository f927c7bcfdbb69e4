// SPDX-License-Identifier: Apache-2.0
// probe NUMBER [ARGUMENT...]: makes one system call and exits with its errno, 0 for none. Needs
// nothing but exit_group itself, whatever the filter: no C library. x86_64.

namespace {

long Call(long number, const unsigned long* a) {
  register unsigned long r10 asm("r10") = a[3];
  register unsigned long r8 asm("r8") = a[4];
  register unsigned long r9 asm("r9") = a[5];
  long result = 0;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

unsigned long Number(const char* text) {
  unsigned long number = 0;
  for (; *text != '\0'; ++text) number = number * 10 + static_cast<unsigned long>(*text - '0');
  return number;
}

}  // namespace

extern "C" [[noreturn]] void Main(const long* stack) {
  const long count = stack[0];
  unsigned long arguments[7] = {};
  for (long i = 1; i < count && i <= 7; ++i) {
    arguments[i - 1] = Number(reinterpret_cast<const char*>(stack[1 + i]));
  }
  const long result = Call(static_cast<long>(arguments[0]), arguments + 1);
  const unsigned long code = result < 0 && result > -4096 ? static_cast<unsigned long>(-result) : 0;
  const unsigned long exit_arguments[6] = {code};
  for (;;) Call(231, exit_arguments);
}

asm(".globl _start\n_start:\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call Main\n");
