//! The sandbox over real HTTP: what each provider answers, and what goes wrong on demand.

mod authorize_net;
mod callbacks;
mod easypost;
mod faults;
<<<<<<< HEAD
mod hubspot;
=======
mod fraud;
mod generic;
>>>>>>> 0b61c10 (Serve Authorize.net, Sift, Signifyd, webhook steps and a warehouse in the sandbox)
mod pairs;
mod receiver;
mod salesforce;
mod sendgrid;
mod shipstation;
mod slack;
mod smtp;
mod stripe;
mod twilio;
mod whatsapp;
mod world;
