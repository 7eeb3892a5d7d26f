//! The tests of `go-events` v2; v1 has none.

use super::Counterpart::{Never, Test};
use super::GoFile;

const DISK: &str = "a log on disk: there is no history to write or to catch up with";
const DISK_KEYS: &str = "keys of a log on disk: this store is memory";

pub(crate) const GO_EVENTS: &[GoFile] = &[GoFile {
    name: "events_test.go",
    source: include_str!("../go_events.rs"),
    tests: &[
        ("TestConfigValidate", Test),
        ("TestNewEventBus", Test),
        ("TestPublish", Test),
        ("TestSubscribeAndDeliver", Test),
        ("TestSubscribeOnce", Test),
        ("TestSubscribeFilter", Test),
        ("TestUnsubscribe", Test),
        ("TestUnsubscribeAll", Test),
        ("TestRetries", Test),
        ("TestPanicRecovery", Test),
        ("TestConcurrentPublish", Test),
        ("TestGetMetrics", Test),
        ("TestHealthCheck", Test),
        ("TestClose", Test),
        ("TestTypedEventBus", Test),
        ("TestMakeEvtKey", Never(DISK_KEYS)),
        ("TestParseEvtKey_errors", Never(DISK_KEYS)),
        ("TestNextKey", Never(DISK_KEYS)),
        ("TestMakeCheckpointKey", Never(DISK_KEYS)),
        ("TestBadKeyUUID", Never(DISK_KEYS)),
        ("TestEncodeDecodeValue", Never(DISK_KEYS)),
        ("TestNilUUID", Never(DISK_KEYS)),
        ("TestUuidV7Time", Never(DISK_KEYS)),
        ("TestSubscribeOnClosedBus", Test),
        ("TestCircuitBreaker", Test),
        ("TestWriteSyncConfig", Never(DISK)),
        ("TestGetMetricsAfterClose", Test),
        ("TestSubscribeStartAt", Never(DISK)),
        ("TestUUIDForTime", Never(DISK_KEYS)),
        ("TestSimpleEventBus", Test),
        ("TestLiveOnly", Test),
        ("TestLiveBufferSize", Test),
        ("TestSimpleEventBusConfig", Never(DISK)),
    ],
}];
