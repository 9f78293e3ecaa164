//! The disk as SQLite sees it: the one module that talks to it in its own terms.
//!
//! One connection to a file at a time: locks are granted without looking, and the index of the
//! write-ahead log, which SQLite wants shared, is of that connection alone.
#![allow(unsafe_code, reason = "SQLite takes a file system as C functions")]

use crate::disk::{Refused, State, lock};
use rusqlite::ffi;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};

/// The name to open files by.
pub const VFS: &str = "smppkit-powercut";

/// Lets SQLite find a disk's files under `/<id>/`.
pub(crate) fn mount(id: u64, state: &Arc<Mutex<State>>) {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(register);
    mounted().insert(id, Arc::downgrade(state));
}

pub(crate) fn unmount(id: u64) {
    mounted().remove(&id);
}

fn mounted() -> MutexGuard<'static, BTreeMap<u64, Weak<Mutex<State>>>> {
    static MOUNTED: Mutex<BTreeMap<u64, Weak<Mutex<State>>>> = Mutex::new(BTreeMap::new());
    MOUNTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The disk and the file's name there.
fn find(path: &str) -> Option<(Arc<Mutex<State>>, Arc<str>)> {
    let (id, name) = path.strip_prefix('/')?.split_once('/')?;
    let state = mounted().get(&id.parse().ok()?)?.upgrade()?;
    Some((state, name.into()))
}

/// What stands behind an open file.
struct Handle {
    state: Arc<Mutex<State>>,
    name: Arc<str>,
    /// Parts of the index of the write-ahead log, each made by [`Box::into_raw`].
    index: Vec<*mut [u64]>,
}

impl Handle {
    fn drop_index(&mut self) {
        for region in self.index.drain(..) {
            // SAFETY: made by `Box::into_raw` in `shm_map` and taken out of the list here, so once.
            // SQLite uses no region after `xShmUnmap` or `xClose`.
            drop(unsafe { Box::from_raw(region) });
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.drop_index();
    }
}

/// What SQLite allocates for each open file; it only looks at the beginning.
#[repr(C)]
struct OpenFile {
    base: ffi::sqlite3_file,
    handle: *mut Handle,
}

fn register() {
    let vfs = ffi::sqlite3_vfs {
        iVersion: 2,
        szOsFile: c_int::try_from(size_of::<OpenFile>()).expect("two pointers are small"),
        mxPathname: 256,
        pNext: ptr::null_mut(),
        zName: c"smppkit-powercut".as_ptr(),
        pAppData: ptr::null_mut(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_pathname),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: None,
        xGetLastError: None,
        xCurrentTimeInt64: Some(current_time),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    };
    // SAFETY: the structure is never freed, its name is static, and all functions that SQLite calls
    // without asking whether they are there are there.
    let code = unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 0) };
    assert_eq!(code, ffi::SQLITE_OK, "a file system is registered");
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(grant),
    xUnlock: Some(grant),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// # Safety
/// `name` is null or ends with a zero.
unsafe fn text<'a>(name: *const c_char) -> Option<&'a str> {
    // SAFETY: by this function's own condition; SQLite keeps names during the call.
    (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }).and_then(|name| name.to_str().ok())
}

/// # Safety
/// `file` was opened by [`open`] and is not closed.
unsafe fn handle<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Handle {
    // SAFETY: `open` put an `OpenFile` there with a handle of its own, and SQLite calls the methods
    // of one file from one thread at a time.
    unsafe { &mut *(*file.cast::<OpenFile>()).handle }
}

fn code(result: Result<(), Refused>, io: c_int) -> c_int {
    match result {
        Ok(()) => ffi::SQLITE_OK,
        Err(Refused::Full) => ffi::SQLITE_FULL,
        Err(Refused::Io) => io,
    }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: `file` has room for `szOsFile` octets; without methods it is not closed when this fails.
    unsafe { (*file).pMethods = ptr::null() };
    // SAFETY: SQLite gives a name that ends with a zero, or none.
    let Some((state, name)) = (unsafe { text(name) }).and_then(find) else { return ffi::SQLITE_CANTOPEN };
    // As SQLite's own for Unix does: what cannot be written is opened for reading.
    let flags = if lock(&state).is_read_only() {
        flags & !(ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE) | ffi::SQLITE_OPEN_READONLY
    } else {
        flags
    };
    if flags & ffi::SQLITE_OPEN_CREATE != 0 {
        lock(&state).create(&name);
    } else if !lock(&state).exists(&name) {
        return ffi::SQLITE_CANTOPEN;
    }
    let handle = Box::into_raw(Box::new(Handle { state, name, index: Vec::new() }));
    let base = ffi::sqlite3_file { pMethods: &raw const METHODS };
    // SAFETY: as above; `out_flags` is null or points to a number.
    unsafe {
        file.cast::<OpenFile>().write(OpenFile { base, handle });
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: `open` made the handle, and SQLite closes a file once.
    drop(unsafe { Box::from_raw((*file.cast::<OpenFile>()).handle) });
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    to: *mut c_void,
    count: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open, and `to` has room for `count` octets that SQLite has set before.
    let (handle, to) =
        unsafe { (handle(file), std::slice::from_raw_parts_mut(to.cast::<u8>(), number(count.into()))) };
    to.fill(0);
    let is_whole = lock(&handle.state).read(&handle.name, number(at), to);
    if is_whole { ffi::SQLITE_OK } else { ffi::SQLITE_IOERR_SHORT_READ }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    count: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open, and `from` points to `count` octets.
    let (handle, from) =
        unsafe { (handle(file), std::slice::from_raw_parts(from.cast::<u8>(), number(count.into()))) };
    code(lock(&handle.state).write(&handle.name, number(at), from), ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    code(lock(&handle.state).truncate(&handle.name, number(length)), ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    code(lock(&handle.state).sync(&handle.name), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open, and `size` points to a number.
    unsafe {
        let handle = handle(file);
        *size = i64::try_from(lock(&handle.state).length(&handle.name)).unwrap_or(i64::MAX);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn grant(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(_: *mut ffi::sqlite3_file, is_reserved: *mut c_int) -> c_int {
    // SAFETY: it points to a number.
    unsafe { *is_reserved = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

/// As SQLite's own for Unix says of every disk.
unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4_096
}

/// As SQLite's own for Unix says of every disk: writing a sector harms no other.
unsafe extern "C" fn device_characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    size: c_int,
    is_extending: c_int,
    to: *mut *mut c_void,
) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    let (region, size) = (number(region.into()), number(size.into()));
    if size != REGION {
        return ffi::SQLITE_IOERR_SHMMAP;
    }
    while is_extending != 0 && handle.index.len() <= region {
        handle.index.push(Box::into_raw(vec![0_u64; REGION / 8].into_boxed_slice()));
    }
    let found = handle.index.get(region).map_or(ptr::null_mut(), |region| region.cast());
    // SAFETY: it points to a pointer.
    unsafe { *to = found };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(_: *mut ffi::sqlite3_file, _: c_int, _: c_int, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the file is open.
    unsafe { handle(file) }.drop_index();
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, is_synced: c_int) -> c_int {
    // SAFETY: SQLite gives a name that ends with a zero.
    let Some((state, name)) = (unsafe { text(name) }).and_then(find) else { return ffi::SQLITE_IOERR_DELETE };
    if lock(&state).is_read_only() {
        return ffi::SQLITE_IOERR_DELETE;
    }
    let was_there = lock(&state).delete(&name, is_synced != 0);
    if was_there { ffi::SQLITE_OK } else { ffi::SQLITE_IOERR_DELETE_NOENT }
}

unsafe extern "C" fn access(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _: c_int,
    is_there: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a name that ends with a zero, and a number to set.
    unsafe {
        *is_there =
            (text(name)).and_then(find).is_some_and(|(state, name)| lock(&state).exists(&name)).into();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    to: *mut c_char,
) -> c_int {
    // SAFETY: SQLite gives a name that ends with a zero, and room for so many octets.
    unsafe {
        let octets = CStr::from_ptr(name).to_bytes_with_nul();
        if octets.len() > number(room.into()) {
            return ffi::SQLITE_CANTOPEN;
        }
        ptr::copy_nonoverlapping(octets.as_ptr().cast(), to, octets.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, count: c_int, to: *mut c_char) -> c_int {
    // SAFETY: there is room for so many octets. SQLite asks another file system, in fact.
    unsafe { ptr::write_bytes(to, 7, number(count.into())) };
    count
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    microseconds
}

unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, to: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: it points to a number. Milliseconds since noon of 24 November 4714 BC.
    unsafe { *to = 212_000_000_000_000 };
    ffi::SQLITE_OK
}

/// SQLite's offsets and lengths are never negative.
fn number(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// What SQLite asks for at a time.
const REGION: usize = 32 * 1024;
