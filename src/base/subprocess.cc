#include "base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace adze {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxLine = 100;

// Starts `command` in a process group of its own; -1 if that fails.
pid_t Start(const std::vector<std::string>& command, int out) {
  std::vector<char*> argv;
  for (const std::string& s : command) argv.push_back(const_cast<char*>(s.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, out, 1);
  ::posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &files, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  return error == 0 ? pid : -1;
}

}  // namespace

std::optional<std::string> FirstLineOf(const std::vector<std::string>& command, double limit_s) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return std::nullopt;
  const pid_t pid = Start(command, fds[1]);
  ::close(fds[1]);
  const auto deadline = Clock::now() + std::chrono::duration<double>(pid < 0 ? 0 : limit_s);
  std::string line;
  bool in_line = true;
  while (pid >= 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd p = {fds[0], POLLIN, 0};
    const int ready = left.count() > 0 ? ::poll(&p, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    char buffer[512];
    const ssize_t n = ready > 0 ? ::read(fds[0], buffer, sizeof(buffer)) : 0;
    if (n <= 0) break;
    for (const char c : std::string_view(buffer, static_cast<size_t>(n))) {
      in_line = in_line && c != '\n';
      if (in_line && c >= ' ' && c <= '~' && line.size() < kMaxLine) line += c;
    }
  }
  ::close(fds[0]);
  if (pid < 0) return std::nullopt;
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (Clock::now() >= deadline) {
      ::kill(-pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      return std::nullopt;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return line;
}

}  // namespace adze
