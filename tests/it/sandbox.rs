//! The sandbox over real HTTP: what each provider answers, and what goes wrong on demand.

mod adapters;
mod authorize_net;
mod callbacks;
mod channels;
mod channels_signed;
mod easypost;
mod faults;
mod fraud;
mod generic;
mod hubspot;
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
