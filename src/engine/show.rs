//! Facts are shown to the checks here: each check knows by its hooks what to do with which.

use super::Run;
use crate::check::{Check, Ctx, Hook, Out, Say, Severity};
use crate::facts::fanout::Fanout;
use crate::facts::file::File;
use crate::facts::flow::Flow;
use crate::facts::logging::Logging;
use crate::facts::mount::Mount;
use crate::facts::process::{Hidden, Process};
use crate::facts::raw::{Promiscuous, RawSocket};
use crate::facts::service::Service;
use crate::facts::socket::Socket;
use crate::facts::startup::Line;
use crate::facts::startup_file::StartupFile;

impl Run<'_, '_> {
    /// Shows a fact to the checks, each of which knows by its hooks what to do with it. Returns whether one of them has
    /// something to say; it is said only if `aloud`.
    pub(super) fn show(&mut self, aloud: bool, run: &dyn Fn(&Hook, &Ctx<'_>, &mut Out<'_>)) -> bool {
        self.checks().fold(false, |any, (index, check)| {
            self.show_to(&self.plan.ctx, index, check, aloud, run).is_some() || any
        })
    }

    /// Shows a fact to one check. Returns how bad it is.
    fn show_to(
        &mut self,
        ctx: &Ctx<'_>,
        index: usize,
        check: &'static Check,
        aloud: bool,
        run: &dyn Fn(&Hook, &Ctx<'_>, &mut Out<'_>),
    ) -> Option<Severity> {
        let say = if aloud { Say::Tell(self.sink) } else { Say::Count };
        let mut out = Out { check, say, found: 0, worst: None, fault: None };
        for hook in check.hooks {
            run(hook, ctx, &mut out);
        }
        let Out { found, worst, fault, .. } = out;
        self.fault = self.fault.or(fault);
        if let Some(count) = self.found.get_mut(index).filter(|_| aloud) {
            *count = count.saturating_add(found);
        }
        worst
    }

    pub(super) fn show_process(&mut self, process: &Process, aloud: bool) -> bool {
        self.show(aloud, &|hook, ctx, out| {
            if let Hook::Process(run) = hook {
                run(process, ctx, out);
            }
        })
    }

    pub(super) fn show_socket(&mut self, socket: &Socket<'_>, aloud: bool) -> bool {
        self.show(aloud, &|hook, ctx, out| {
            if let Hook::Socket(run) = hook {
                run(socket, ctx, out);
            }
        })
    }

    /// Shows a flow to those checks that look at flows. Returns how bad it is.
    pub(super) fn show_flow(
        &mut self,
        ctx: &Ctx<'_>,
        hooked: &[(usize, &'static Check)],
        flow: &Flow,
        aloud: bool,
    ) -> Option<Severity> {
        let show = |hook: &Hook, ctx: &Ctx<'_>, out: &mut Out<'_>| {
            if let Hook::Flow(run) = hook {
                run(flow, ctx, out);
            }
        };
        let each = hooked.iter().map(|(index, check)| self.show_to(ctx, *index, check, aloud, &show));
        each.max().flatten()
    }

    pub(super) fn show_service(&mut self, service: &Service<'_>, aloud: bool) -> bool {
        self.show(aloud, &|hook, ctx, out| {
            if let Hook::Service(run) = hook {
                run(service, ctx, out);
            }
        })
    }

    pub(super) fn show_fanout(&mut self, fanout: &Fanout<'_>, aloud: bool) -> bool {
        self.show(aloud, &|hook, ctx, out| {
            if let Hook::Fanout(run) = hook {
                run(fanout, ctx, out);
            }
        })
    }

    pub(super) fn show_raw(&mut self, socket: &RawSocket<'_>, aloud: bool) -> bool {
        self.show(aloud, &|hook, ctx, out| {
            if let Hook::Raw(run) = hook {
                run(socket, ctx, out);
            }
        })
    }

    pub(super) fn show_interface(&mut self, interface: &Promiscuous<'_>) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Interface(run) = hook {
                run(interface, ctx, out);
            }
        });
    }

    pub(super) fn show_mount(&mut self, mount: &Mount<'_>) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Mount(run) = hook {
                run(mount, ctx, out);
            }
        });
    }

    pub(super) fn show_hidden(&mut self, hidden: &Hidden) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Hidden(run) = hook {
                run(hidden, ctx, out);
            }
        });
    }

    pub(super) fn show_file(&mut self, file: &File<'_>) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::File(run) = hook {
                run(file, ctx, out);
            }
        });
    }

    pub(super) fn show_log(&mut self, log: &Logging) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Log(run) = hook {
                run(log, ctx, out);
            }
        });
    }

    pub(super) fn show_startup(&mut self, file: &StartupFile<'_>) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Startup(run) = hook {
                run(file, ctx, out);
            }
        });
    }

    pub(super) fn show_line(&mut self, line: &Line<'_>) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Line(run) = hook {
                run(line, ctx, out);
            }
        });
    }
}
