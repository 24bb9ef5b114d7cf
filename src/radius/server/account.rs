//! Accounting-Requests: taken down by the owner, and what follows of that.

use super::{Answer, Request, Server};
use crate::hotspot::radius_messages::Nas;
use crate::hotspot::{Fault, Write};
use crate::radius::drop_reason::DropReason;
use crate::radius::reply;
use crate::radius::request::{self, Accounting};

impl Server {
    pub(super) async fn account(&self, request: &Request, nas: Nas) -> Result<Answer, DropReason> {
        let hotspot = &self.0.hotspot;
        let view_point = self.view_point_of_report(request);
        let told = match request::accounting(&request.packet, nas.clone(), view_point) {
            Ok(Accounting::Session(report)) => {
                let told = hotspot.write(|reply| Write::Account { report, reply }).await;
                if told.as_ref().is_ok_and(|taken| taken.implausible) {
                    self.noticed(request, DropReason::Implausible);
                }
                if told.as_ref().is_ok_and(|taken| taken.is_fresh) {
                    self.learn_from_report(request).await;
                }
                if told.as_ref().is_ok_and(|taken| taken.orders_wait) {
                    hotspot.heard(nas).await;
                }
                told.map(|_| ())
            }
            Ok(Accounting::Restarted { nas, cause, stamp, delay }) => {
                let restarted = |reply| Write::NasRestarted { nas, cause, stamp, delay, reply };
                let told = hotspot.write(restarted).await;
                if told.as_ref().is_ok_and(|restarted| restarted.is_fresh) {
                    self.learn_from_report(request).await;
                }
                told.map(|_| ())
            }
            Ok(Accounting::Ignored) => Ok(()),
            Err(unfit) => {
                log::debug!("radius: a report of '{}': {unfit:?}", request.section.name);
                return Err(DropReason::Incomplete);
            }
        };
        told.map_err(|fault| match fault {
            Fault::TooManySessions => DropReason::Busy,
            _ => DropReason::Fault,
        })?;
        let secret = &request.section.client.secret;
        Ok(Answer::Accounting(reply::accounting_response(&request.packet, secret)))
    }
}
