//! What services are told to do.

records! {
    /// Market time is t0 + speed x (mono - m0).
    Clock: "control.clock" {
        t0_ns: i64,
        m0_ns: i64,
        speed_e3: i64,
    }

    /// The session begins: a market date YYYY-MM-DD.
    Start<'a>: "control.start" {
        session: &'a str,
    }

    /// Finish what is on its way, then say no more.
    Stop<'a>: "control.stop" {
        reason: &'a str,
    }

    /// Cancels only, until a person arms.
    Kill<'a>: "control.kill" {
        reason: &'a str,
        by: &'a str,
    }

    /// Entries may pass.
    Arm<'a>: "control.arm" {
        by: &'a str,
    }
}
