// SPDX-License-Identifier: Apache-2.0
#pragma once
// A file from a person's disk -> the profiles in it, whatever their shape: our own manifests, those
// of other tools, and plain Docker or OCI profile files. Each becomes the .spec of a
// TenantSeccompProfile that says the same; judging it is Render's. By yaml-cpp: on others' input in
// a compiler child only. Thread-safe (no state).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/yaml.h"

namespace seccompd::profile {

inline constexpr std::size_t kMaxProfileFileBytes = std::size_t{1} << 20;

// A place in a file: a document of it and a JSON pointer into that document.
struct Place {
  std::size_t document = 0;  // the first is 0
  std::string pointer;
};

struct FileFinding {
  std::size_t document = 0;
  Diagnostic finding;                // its pointer is one into the document
  std::optional<Position> position;  // known already: of text that could not be parsed
};

struct FoundProfile {
  std::string format;  // "seccomp profile", "TenantSeccompProfile", "SeccompProfile (Kubescape)"
  std::size_t document = 0;
  std::uint32_t line = 1;                   // where the document begins
  std::string name_space, name;             // empty: it has none
  std::string container;                    // Kubescape: one profile for each container
  std::string spec;                         // raw JSON
  std::optional<std::string> spec_pointer;  // what `spec` is in the document; none: it is made up
  std::string profile_pointer;              // what spec's /profile is in the document
  std::vector<std::string> left_out;  // what the other tool's manifest says beside the profile

  // Of a pointer into `spec`. Here, for those who do not link the reader.
  Place PlaceOf(std::string_view pointer) const {
    if (spec_pointer.has_value()) return {document, *spec_pointer + std::string(pointer)};
    constexpr std::string_view kProfile = "/profile";
    if (!pointer.starts_with(kProfile)) return {document, profile_pointer};
    return {document, profile_pointer + std::string(pointer.substr(kProfile.size()))};
  }
};

struct ReadFile {
  std::vector<FoundProfile> profiles;
  std::vector<FileFinding> findings;  // about the file and about what holds no profile
};

// kMaxProfileFileBytes at most; longer is a finding.
ReadFile ReadProfiles(std::string_view text);

// Where places stand in the file, in their order; of a pointer that is not there, where the nearest
// one around it stands. `keys`: the member's key is meant rather than its value.
struct Wanted {
  Place place;
  bool is_key = false;
};
std::vector<Position> Locate(std::string_view text, const std::vector<Wanted>& wanted);

}  // namespace seccompd::profile
