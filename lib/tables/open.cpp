// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file open.cpp  Open a table that somebody else has made, and create nothing in it.
 *
 *  casacore makes a lock file where it believes that there is none, waits for pipes, and reads what
 *  it can't look at as if it were not there.  So its files are looked at before it opens them, it
 *  is told to lock nothing, and what it says is compared with what the files say. */
#include "table.hpp"

#include "base/files_priv.h"
#include "base/stream_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include <casacore/tables/DataMan/TSMOption.h>
#include <casacore/tables/Tables/TableInfo.h>

#include <cerrno>
#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <memory>

using casacore::Table;
using casacore::TableLock;

namespace
{

/** Sizes in table.lock: the list of who waits, then the length of what follows. */
enum { REQUESTS = 260, LENGTH = 4, MOST_LOCK = 64 << 20, MOST_DAT = 1 << 30 };
/** Bytes of a table.info that says nothing. */
const int64_t empty_info = 20;

struct freed {
    void operator()(void *p) const
    {
        free(p);
    }
};

struct closed {
    void operator()(DIR *dir) const
    {
        closedir(dir);
    }
};

/** What the files of a table say, whatever casacore makes of them. */
struct said {
    int64_t dat_rows = -1, lock_rows = -1; // of table.lock: -1 when it says nothing
    bool has_info = false;
};

bool may_be_folder(const char *name)
{
    return std::strncmp(name, "table.f", 7) == 0; // ADIOS2 keeps its data in one
}

/** Refuse what could block or do harm when it is opened. */
mms_status check_entry(int folder, const struct dirent *entry, const std::string &path,
                       mms_error *err)
{
    const std::string file = path + "/" + entry->d_name;
    struct stat info;

    if (std::strncmp(entry->d_name, "table.", 6) != 0 || entry->d_type == DT_REG)
        return MMS_OK;
    if (fstatat(folder, entry->d_name, &info, 0) != 0)
        return errno == ENOENT ? MMS_OK
                               : mms_fail_errno(err, errno, "%s: cannot look at it", file.c_str());
    if (S_ISDIR(info.st_mode) && may_be_folder(entry->d_name))
        return MMS_OK;
    return mms_check_regular(file.c_str(), info.st_mode, err);
}

mms_status check_files(const std::string &path, mms_error *err)
{
    const std::unique_ptr<DIR, closed> list(opendir(path.c_str()));
    const struct dirent *entry;
    mms_status st = MMS_OK;

    if (!list)
        return mms_fail_errno(err, errno, "%s: cannot list", path.c_str());
    for (errno = 0; st == MMS_OK && (entry = readdir(list.get())); errno = 0)
        st = check_entry(dirfd(list.get()), entry, path, err);
    return st == MMS_OK && errno ? mms_fail_errno(err, errno, "%s: cannot list", path.c_str()) : st;
}

/** The number of rows at the begin of an object of casacore's, which is 64 bits wide from some
 *  version on; -1 when it is not there. */
int64_t object_rows(const uint8_t *bytes, size_t size, const char *type, uint64_t wide)
{
    mms_stream s = {};

    s.bytes = bytes;
    s.size = size;
    mms_stream_magic(&s);
    const uint64_t version = mms_stream_object(&s, type);
    const uint64_t rows = mms_stream_number(&s, version >= wide ? 8 : 4);
    return s.bad || rows > INT64_MAX ? -1 : static_cast<int64_t>(rows);
}

mms_status read_rows(const std::string &file, size_t skip, size_t most, const char *type,
                     uint64_t wide, int64_t *rows, mms_error *err)
{
    uint8_t *bytes = nullptr;
    size_t size = 0, length = 0;
    const mms_status st = mms_read_file(file.c_str(), most, &bytes, &size, err);
    const std::unique_ptr<uint8_t, freed> held(bytes);

    *rows = -1;
    if (st != MMS_OK || size < skip)
        return st;
    if (skip > 0) {
        for (size_t i = skip - LENGTH; i < skip; i++)
            length = length << 8 | bytes[i];
        if (length == 0)
            return MMS_OK;
        if (length > size - skip)
            return mms_fail(err, MMS_ERR_TABLE, "%s is broken: it ends early", file.c_str());
    }
    *rows = object_rows(bytes + skip, size - skip, type, wide);
    return *rows < 0 ? mms_fail(err, MMS_ERR_TABLE, "%s is broken: no number of rows", file.c_str())
                     : MMS_OK;
}

mms_status read_info(const std::string &file, bool *has, mms_error *err)
{
    int64_t bytes = 0;
    int fd = -1;
    mms_status st = mms_path_exists(file.c_str(), has, err);

    if (st != MMS_OK || !*has)
        return st;
    st = mms_open_file(file.c_str(), &fd, &bytes, err);
    if (fd >= 0)
        close(fd);
    *has = bytes > empty_info;
    return st;
}

/** What stands in the files.  A lock file that is there and can't be read may hold the only true
 *  number of rows. */
mms_status look_into(const std::string &path, said *out, mms_error *err)
{
    const std::string lock = path + "/table.lock";
    bool locked = false;
    mms_status st = mms_path_exists(lock.c_str(), &locked, err);

    *out = said();
    if (st == MMS_OK)
        st = read_info(path + "/table.info", &out->has_info, err);
    if (st == MMS_OK && locked)
        st = read_rows(lock, REQUESTS + LENGTH, MOST_LOCK, "sync", 2, &out->lock_rows, err);
    if (st == MMS_OK && out->lock_rows >= 0)
        st = read_rows(path + "/table.dat", 0, MOST_DAT, "Table", 3, &out->dat_rows, err);
    return st;
}

/** Whether casacore has seen what stands there.  Where the lock file says 0 rows it takes those of
 *  table.dat. */
bool agrees(const Table &table, const said &s)
{
    const int64_t rows = static_cast<int64_t>(table.nrow());
    const bool lost = s.lock_rows > 0 && s.lock_rows != s.dat_rows && rows == s.dat_rows;
    const casacore::TableInfo &info = table.tableInfo();

    return !lost && (!s.has_info || !info.type().empty() || !info.subType().empty() ||
                     !info.readme().empty());
}

/** Refuse a path that holds no table, with words that name it. */
mms_status check_is_table(const char *path, mms_error *err)
{
    const std::string file = std::string(path) + "/table.dat";
    bool there = false;
    mms_status st = mms_path_exists(path, &there, err);

    if (st == MMS_OK && !there)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no such file or directory", path);
    if (st == MMS_OK)
        st = mms_path_exists(file.c_str(), &there, err);
    if (st == MMS_OK && !there)
        return mms_fail(err, MMS_ERR_TABLE, "%s is not a table: Table file %s does not exist", path,
                        file.c_str());
    return st;
}

Table open_once(const char *path, mms_table_mode mode)
{
    // A memory map would count every page of the input as this worker's memory.
    const casacore::TSMOption tsm(casacore::TSMOption::Cache, 0, 32);
    // Where it finds the file casacore syncs it each time it writes, also without a lock.
    if (mode == MMS_TABLE_OWN)
        (void)unlink((std::string(path) + "/table.lock").c_str());
    return Table(
        mms::take_literally(path),
        TableLock(mode == MMS_TABLE_UPDATE ? TableLock::PermanentLocking : TableLock::NoLocking),
        mode == MMS_TABLE_READ ? Table::Old : Table::Update, tsm);
}

} // namespace

mms_status mms::check_written(const std::string &path, int64_t rows, const std::string &info,
                              mms_error *err)
{
    const std::string dat = path + "/table.dat", file = path + "/table.info";
    uint8_t *bytes = nullptr;
    size_t size = 0;
    int64_t stored;
    bool there;
    mms_status st = read_rows(dat, 0, MOST_DAT, "Table", 3, &stored, err);

    if (st == MMS_OK && stored != rows)
        st = mms_fail(err, MMS_ERR_IO, "%s: it has %" PRId64 " rows, not %" PRId64, dat.c_str(),
                      stored, rows);
    if (st == MMS_OK)
        st = mms_path_exists(file.c_str(), &there, err);
    if (st == MMS_OK && there)
        st = mms_read_file(file.c_str(), MOST_LOCK, &bytes, &size, err);
    const std::unique_ptr<uint8_t, freed> held(bytes);
    if (st != MMS_OK || (size == info.size() && std::memcmp(bytes, info.data(), size) == 0))
        return st;
    return mms_replace_file(file.c_str(), info.data(), static_cast<int64_t>(info.size()), err);
}

mms_status mms::open_table(const char *path, mms_table_mode mode, Table *out, mms_error *err)
{
    const struct timespec pause = {0, 20000000};
    mms_status st = check_is_table(path, err);

    // casacore writes what it believes when it closes what it may write: then there is no second
    // look
    for (int again = mode == MMS_TABLE_READ ? 3 : 0; st == MMS_OK; again--) {
        said before;
        st = check_files(path, err);
        if (st == MMS_OK)
            st = look_into(path, &before, err);
        if (st != MMS_OK)
            return st;
        try {
            const Table table = open_once(path, mode);
            if (agrees(table, before)) {
                *out = table;
                return MMS_OK;
            }
        } catch (const casacore::TableNoFile &e) { // we have just seen it
            if (!again)
                return mms_fail(err, MMS_ERR_IO, "%s: %s", path, one_line(e.what()).c_str());
        }
        if (!again)
            return mms_fail(err, MMS_ERR_IO,
                            "%s: table.info or the number of rows in table.lock could not be read; "
                            "is the table being written?",
                            path);
        (void)nanosleep(&pause, nullptr);
    }
    return st;
}
