// SPDX-License-Identifier: Apache-2.0
#pragma once
// A real block device with an ext4 on it, mounted for the whole machine, that fails and mends on
// command: zram, whose memory can be limited. Writes then end in EIO, as on a broken disk; what
// was written before can be read. Needs root. Gone with the object.

#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace seccompd::integration {

class FailingDisk {
 public:
  // Where the kernel has no zram (or is not ours to ask, as in a chroot with a /sys to read) there
  // is none.
  static bool Exists() {
    return ::access((kControl + std::string("hot_remove")).c_str(), W_OK) == 0;
  }

  explicit FailingDisk(std::filesystem::path at) : at_(std::move(at)) {
    std::filesystem::create_directories(at_);
    std::ifstream(kControl + std::string("hot_add")) >> number_;
    if (number_.empty()) {
      why_ = "no zram device to be had: " + std::string(std::strerror(errno));
      return;
    }
    Set("disksize", "32M");
    // Without a journal a failed write is the writer's alone, and the file system goes on.
    const std::string command = "mkfs.ext4 -q -O ^has_journal " + device();
    if (std::system(command.c_str()) != 0) {  // NOLINT(cert-env33-c): ours in every part
      why_ = "failed: " + command;
      return;
    }
    made_ = ::mount(device().c_str(), at_.c_str(), "ext4", 0, "errors=continue") == 0;
    if (!made_) why_ = "mount " + device() + ": " + std::strerror(errno);
  }
  ~FailingDisk() {
    if (number_.empty()) return;
    Fail(false);
    // At once, not when nobody uses it any more: the device must be free.
    while (made_ && ::umount2(at_.c_str(), 0) != 0 && errno == EBUSY) {
    }
    Set("reset", "1");
    std::ofstream(kControl + std::string("hot_remove")) << number_;
  }
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;

  // From now on no page more is taken; with false all is as before.
  void Fail(bool fail) const { Set("mem_limit", fail ? "4096" : "0"); }
  bool made() const { return made_; }
  const std::string& why() const { return why_; }

 private:
  static constexpr const char* kControl = "/sys/class/zram-control/";
  std::string device() const { return "/dev/zram" + number_; }
  void Set(const char* name, const char* value) const {
    std::ofstream("/sys/block/zram" + number_ + "/" + name) << value;
  }

  std::filesystem::path at_;
  std::string number_, why_;
  bool made_ = false;
};

}  // namespace seccompd::integration
