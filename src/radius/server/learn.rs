//! What is learned from genuine packets of access points, and how they are told for that.

use std::net::IpAddr;

use super::{Request, Server};
use crate::clock::boot_time;
use crate::domain::nas::{NasPeer, ViewPoint};
use crate::hotspot::{Read, Write};
use crate::radius::authenticator::Signature;
use crate::radius::clients::Section;
use crate::radius::reply_attributes::Profile;
use crate::radius::request;

impl Server {
    /// Takes over what access points have shown before this start.
    pub async fn resume_peers(&self) {
        match self.0.hotspot.read(Read::NasPeers).await {
            Ok(peers) => {
                let desk = &mut *self.desk();
                desk.peers.resume(peers);
                desk.peers.configured(&desk.clients);
            }
            Err(fault) => log::warn!("radius: what access points have shown is lost: {fault}"),
        }
    }

    /// Writes down what access points have shown, before the end of the daemon.
    pub async fn keep_peers(&self) {
        let unwritten = self.desk().peers.unwritten();
        for peer in unwritten {
            self.keep(peer).await;
        }
    }

    async fn keep(&self, peer: NasPeer) {
        let kept = self.0.hotspot.write(|reply| Write::KeepPeer { peer, reply }).await;
        // The hotspot has logged why; what is lost is said again by the next report.
        drop(kept);
    }

    /// From an Access-Request that proves the secret. One without Message-Authenticator proves
    /// nothing: it could send our orders off from a wrong address.
    pub(super) async fn learn_from_access(&self, request: &Request) {
        if request.signature == Signature::Good {
            self.learn(peer(request)).await;
        }
    }

    /// From an Accounting-Request that was accepted as fresh. One that was recorded earlier proves
    /// the secret as well, and may be of before the access point was set up otherwise.
    pub(super) async fn learn_from_report(&self, request: &Request) {
        let view_point = request::view_point(&request.packet);
        let source = request.way.route.peer.ip();
        let assumed = self.view_point(&request.section, source);
        self.learn(NasPeer { reports: true, view_point, ..peer(request) }).await;
        // Whoever does not say so does not read limits as CoovaChilli does either.
        if view_point.is_some() && self.view_point(&request.section, source) != assumed {
            let nas = request::nas(&request.packet, request.section.name.clone(), source);
            self.0.hotspot.view_point_changed(nas).await;
        }
    }

    async fn learn(&self, said: NasPeer) {
        let news = self.desk().peers.heard(said, boot_time());
        if let Some(peer) = news {
            self.keep(peer).await;
        }
    }

    /// From whose side the octets of an Accounting-Request were counted.
    pub(super) fn view_point_of_report(&self, request: &Request) -> ViewPoint {
        let source = request.way.route.peer.ip().to_canonical();
        let said = request::view_point(&request.packet);
        said.unwrap_or_else(|| self.desk().peers.view_point_of_report(&request.section, source))
    }

    /// From whose side an access point counts octets.
    fn view_point(&self, section: &Section, source: IpAddr) -> ViewPoint {
        self.desk().peers.view_point(section, source.to_canonical())
    }

    /// How an access point is to be told what somebody gets.
    pub(in crate::radius) fn profile(&self, section: &Section, source: IpAddr) -> Profile {
        Profile {
            vendor: section.client.vendor,
            view_point: self.view_point(section, source),
            interim: self.desk().interim,
        }
    }

    /// Our address as an access point knows it, or may know it: where it asked last, else where we
    /// listen.
    pub(in crate::radius) fn address_for(&self, section: &Section, peer: IpAddr) -> Option<IpAddr> {
        let desk = self.desk();
        let fits = |ours: &IpAddr| {
            ours.is_ipv4() == peer.is_ipv4() && ours.is_loopback() == peer.is_loopback()
        };
        let listens = desk.listen.iter().copied().find(|it| fits(it) && !it.is_unspecified());
        desk.peers.local(&section.name, peer.to_canonical()).filter(fits).or(listens)
    }
}

/// What a request shows of its access point by where it came from.
fn peer(request: &Request) -> NasPeer {
    let route = request.way.route;
    NasPeer {
        client: request.section.name.clone(),
        source: route.peer.ip().to_canonical(),
        local: route.local.ip().to_canonical(),
        reports: false,
        view_point: None,
    }
}
