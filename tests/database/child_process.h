#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace tandem {

/// A program with pipes on its standard input and output; killed with SIGKILL at the end of its life here.
class ChildProcess {
public:
    explicit ChildProcess(std::vector<std::string> command) {
        int in[2], out[2];
        if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
            return;
        std::vector<char*> arguments;
        for (std::string& part : command)
            arguments.push_back(part.data());
        arguments.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        input_ = in[1];
        output_ = out[0];
    }
    ~ChildProcess() {
        kill();
        ::close(input_);
        ::close(output_);
    }
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    /// SIGKILL, and waits until the process is gone.
    void kill() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, &status_, 0);
        }
        pid_ = -1;
    }
    bool wasKilled() const { return WIFSIGNALED(status_) && WTERMSIG(status_) == SIGKILL; }

    /// The next whole line; empty at the end of the output.
    std::string line() {
        std::string text;
        for (char c = 0; ::read(output_, &c, 1) == 1;) {
            if (c == '\n')
                return text;
            text += c;
        }
        return {};
    }

private:
    pid_t pid_ = -1;
    int status_ = 0;
    int input_ = -1, output_ = -1;
};

} // namespace tandem
