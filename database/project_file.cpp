#include "database/project_file.h"

#include "database/file_guard.h"
#include "database/schema.h"
#include "database/sqlite_store.h"
#include "database/store_thread.h"

#include <fcntl.h>
#include <unistd.h>

#include <QUuid>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tandem {
namespace {

Result<void> writeEmptyProject(const std::filesystem::path& file, const std::string& name) {
    Sql sql(file);
    Result<void> done = sql.open();
    if (done)
        done = sql.run(("PRAGMA application_id = " + std::to_string(projectApplicationId)).c_str());
    if (done)
        done = migrate(sql);
    if (done)
        done = sql.transaction([&]() -> Result<void> {
            if (Result<void> put =
                    sql.run("INSERT INTO project (id, name, uuid, created_at) VALUES (1, ?, ?, ?)",
                            {toText(name), QUuid::createUuid().toString(QUuid::WithoutBraces), nowUtc()});
                !put)
                return put;
            return sql.run("INSERT INTO label_set (id, name) VALUES (1, 'labels')");
        });
    return done;
}

Result<void> refuseExisting(const std::filesystem::path& path) {
    std::error_code ec;
    if (std::filesystem::exists(std::filesystem::symlink_status(path, ec)))
        return Error{ErrorCode::FileUnwritable,
                     "\"" + path.string() + "\" exists already; choose another name."};
    return {};
}

// Puts the finished file in its place, never over another one, and has the folder's entry on disk.
Result<void> putInPlace(const std::filesystem::path& part, const std::filesystem::path& path) {
    int rc = ::renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
    if (rc != 0 && errno == EINVAL) { // a file system without that flag
        if (Result<void> free = refuseExisting(path); !free)
            return free;
        rc = ::rename(part.c_str(), path.c_str());
    }
    if (rc != 0)
        return Error{ErrorCode::FileUnwritable,
                     "The project \"" + path.string() + "\" cannot be made: " + std::strerror(errno) + "."};
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    if (const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); descriptor >= 0) {
        ::fsync(descriptor);
        ::close(descriptor);
    }
    return {};
}

} // namespace

Result<std::unique_ptr<ProjectStore>> createProject(const std::filesystem::path& path,
                                                    const std::string& name) {
    if (Result<void> free = refuseExisting(path); !free)
        return free.error();
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    if (std::error_code ec; !std::filesystem::is_directory(folder, ec))
        return Error{ErrorCode::FileUnwritable,
                     "There is no folder \"" + folder.string() + "\" to put the project in."};
    std::filesystem::path part = path;
    part += ".part-" + std::to_string(::getpid());
    Result<void> made = StoreThread().call([&] { return writeEmptyProject(part, name); });
    if (made)
        made = putInPlace(part, path);
    if (!made) {
        std::error_code ec;
        std::filesystem::remove(part, ec);
        return Error{ErrorCode::FileUnwritable, made.error().sentence};
    }
    return openProject(path);
}

Result<std::unique_ptr<ProjectStore>> openProject(const std::filesystem::path& path) {
    Result<std::unique_ptr<FileGuard>> guard = FileGuard::take(path, newestSchema);
    if (!guard)
        return guard.error();
    std::error_code ec;
    auto store = std::make_unique<SqliteStore>(std::filesystem::absolute(path, ec).lexically_normal(),
                                               std::move(*guard));
    if (Result<void> opened = store->open(); !opened)
        return opened.error();
    return std::unique_ptr<ProjectStore>(std::move(store));
}

} // namespace tandem
