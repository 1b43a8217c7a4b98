use super::segment::Segment;
impl Segment {
    pub(super) fn apply_due_faults(&mut self, _now_ns: u64) {}
}
